/* SPDX-License-Identifier: MIT */
/*
 * vtd: one VT-d unit: what it can do, switching it on whatever the firmware left, its entries, its
 * invalidation queue and its faults. Intel Virtualization Technology for Directed I/O "Register
 * Descriptions", "Translation Structure Formats", "Queued Invalidation Interface".
 *
 * Callers hold the lock of struct iommu, or are alone.
 */
#pragma once

#include "drivers/iommu/iommu_fault.h"

#define VTD_INTERRUPTS 1024 /* entries of the interrupt remapping table, for all units together */
#define VTD_PAIR       2    /* words of an entry: root, context, interrupt */

struct vtd {
    uint64_t regs; /* address of the registers */
    uint64_t capability, extended;
    uint64_t limit;          /* ticks that an answer may take */
    uint64_t *queue;         /* a page of descriptors */
    volatile uint32_t *done; /* the unit writes `ticket` here when it has come so far */
    uint32_t next;           /* descriptor to be written */
    uint32_t ticket;
    bool stuck; /* it did not answer in time, and is not asked again */
};

/* Fills `unit`, touching no more than its identification. Says why it cannot be used, or NULL. */
MUST_CHECK const char *vtd_probe(struct vtd *unit, hpa_t regs, uint64_t limit);

bool vtd_remaps(const struct vtd *unit); /* interrupts, also for x2APIC ids */

/* Domains 0 to this, excluded. */
uint32_t vtd_domains(const struct vtd *unit);
uint32_t vtd_bits(const struct vtd *unit);  /* of an address that a device may send */
bool vtd_has_large(const struct vtd *unit); /* leaves of 2 MiB */

/* What the units work on, in memory that this and they reach at its address. */
struct vtd_tables {
    const uint64_t *root;       /* a page: a pair for each bus */
    const uint64_t *interrupts; /* VTD_INTERRUPTS pairs; NULL: interrupts are not remapped */
};

/*
 * Switches it on with these tables: what they do not allow is blocked. `queue`: two zeroed pages.
 * Nothing on the bus is active meanwhile. Says what did not work, or NULL; then the unit is left
 * as it is.
 */
MUST_CHECK const char *vtd_start(struct vtd *unit, const struct vtd_tables *tables, void *queue);

/* A bus's context table, in the root table. */
void vtd_put_bus(uint64_t *pair, const uint64_t *contexts);

/* A context entry that blocks, told what vtd_open() shall let through: to `root` of domain 1 and
 * up. */
void vtd_prepare(uint64_t *pair, hpa_t root, uint32_t domain);
void vtd_open(uint64_t *pair);
void vtd_close(uint64_t *pair); /* and does not tell of what it blocks */

/* An interrupt entry for messages of `id`: fixed, edge, to one core. vector 0: there is none. */
void vtd_put_interrupt(uint64_t *pair, uint16_t id, uint32_t apic_id, uint8_t vector);

/* The message that leads to entry `index`. "Interrupt Requests in Remappable Format". */
void vtd_message(uint32_t index, uint32_t *address, uint32_t *data);

/* The unit forgets what it knows of an id and a domain, and what is under way arrives; false: it
 * did not answer. */
MUST_CHECK bool vtd_forget_device(struct vtd *unit, uint16_t id, uint32_t domain);
MUST_CHECK bool vtd_forget_interrupt(struct vtd *unit, uint32_t index);

/* Takes up to `room` faults out of the unit, so that it has room for new ones. */
uint32_t vtd_faults(struct vtd *unit, struct iommu_fault *faults, uint32_t room);
