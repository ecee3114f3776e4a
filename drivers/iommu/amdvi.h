/* SPDX-License-Identifier: MIT */
/*
 * amdvi: one AMD-Vi unit: what it can do, switching it on whatever the firmware left, its entries,
 * its commands and its events. AMD I/O Virtualization Technology (IOMMU) Specification "MMIO
 * Registers", "Device Table Entry Format", "Commands", "Event Logging".
 *
 * Callers hold the lock of struct iommu, or are alone.
 */
#pragma once

#include "drivers/iommu/iommu_fault.h"

#define AMDVI_DEVICES      65536 /* entries of the device table: one for each id */
#define AMDVI_DEVICE_WORDS 4
#define AMDVI_INTERRUPTS   256 /* entries of a device's table of interrupts, which is a page */
#define AMDVI_PAIR         2   /* words of one */

struct amdvi {
    uint64_t regs; /* address of the registers */
    uint64_t features;
    uint64_t limit;          /* ticks that an answer may take */
    uint64_t *commands;      /* a page */
    uint64_t *events;        /* a page */
    volatile uint64_t *done; /* the unit writes `ticket` here when it has come so far */
    uint64_t ticket;
    uint32_t tail; /* bytes: where the next command goes */
    uint8_t links; /* "IVHD Flags": how its link wants to be set */
    bool stuck;    /* it did not answer in time, and is not asked again */
};

/* Fills `unit`, touching no more than its identification. Says why it cannot be used, or NULL. */
MUST_CHECK const char *amdvi_probe(struct amdvi *unit, hpa_t regs, uint8_t flags, uint64_t limit);

bool amdvi_remaps(const struct amdvi *unit); /* interrupts, to ids up to 254 at least */
bool amdvi_x2apic(const struct amdvi *unit); /* to all ids */

/* Each id's entry: its reads and writes end in `empty`, a zeroed page that stands for a table of
 * four levels, and its interrupts are refused. An entry that is zero would let everything
 * through. */
void amdvi_block_all(uint64_t *devices, hpa_t empty);

/* Switches it on with this table, of AMDVI_DEVICES entries. `pages`: three zeroed ones. Nothing on
 * the bus is active meanwhile. Says what did not work, or NULL. */
MUST_CHECK const char *amdvi_start(struct amdvi *unit, const uint64_t *devices, void *pages);

/* What amdvi_open() shall let through: to `root`, and interrupts by `table`, a page; NULL: none. */
struct amdvi_grant {
    hpa_t root, empty;
    uint32_t domain; /* 1 and up */
    const uint64_t *table;
};
void amdvi_open(uint64_t *entry, const struct amdvi_grant *grant);
void amdvi_close(uint64_t *entry, const struct amdvi_grant *grant); /* and does not tell of it */

/* Fixed, edge, to one core. vector 0: there is none. */
void amdvi_put_interrupt(uint64_t *pair, uint32_t apic_id, uint8_t vector);

/* The message that leads to entry `index`, below AMDVI_INTERRUPTS, of the device's own table. */
void amdvi_message(uint32_t index, uint32_t *address, uint32_t *data);

/* The unit forgets what it knows of an id and a domain, and what is under way arrives; false: it
 * did not answer. */
MUST_CHECK bool amdvi_forget_device(struct amdvi *unit, uint16_t id, uint32_t domain);
MUST_CHECK bool amdvi_forget_interrupts(struct amdvi *unit, uint16_t id);

/* Takes up to `room` events out of the unit's log. */
uint32_t amdvi_faults(struct amdvi *unit, struct iommu_fault *faults, uint32_t room);
