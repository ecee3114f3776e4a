/* SPDX-License-Identifier: MIT */
/*
 * pci: reads and silences the machine's PCI functions. Drives no device. Pure: configuration space
 * is the caller's. PCI Local Bus Specification "Configuration Space"; PCI Express Base
 * Specification "Enhanced Configuration Access Mechanism (ECAM)".
 */
#pragma once

#include "lib/types.h"

/* The way to the configuration space of one segment, in doublewords. */
struct pci_access {
    uint32_t (*read)(void *context, uint32_t address);
    void (*write)(void *context, uint32_t address, uint32_t value);
    void *context;
    uint32_t segment;
    uint32_t first_bus, last_bus; /* those that are reached, 0..255 */
    bool extended;                /* so are the registers behind the first 256 bytes */
};

/* A register's place, as ECAM counts it; that of a function is its register 0. */
static inline uint32_t pci_address(uint32_t bus, uint32_t device, uint32_t function,
                                   uint32_t offset)
{
    return bus << 20 | device << 15 | function << 12 | offset;
}

static inline uint32_t pci_bus(uint32_t address)
{
    return address >> 20 & 0xff;
}

static inline uint32_t pci_device(uint32_t address)
{
    return address >> 15 & 0x1f;
}

static inline uint32_t pci_function(uint32_t address)
{
    return address >> 12 & 7;
}

/* How a function's place is shown: `"device " PCI_PLACE_FMT, PCI_PLACE_ARGS(address)`. */
#define PCI_PLACE_FMT           "%02x:%02x.%u"
#define PCI_PLACE_ARGS(address) pci_bus(address), pci_device(address), pci_function(address)

/*
 * All functions there are, one after the other: on every bus there could be, and not down the tree
 * of bridges, so that nothing depends on what the bridges say of themselves.
 */
struct pci_walk {
    const struct pci_access *access;
    uint32_t next; /* (bus - first_bus) << 8 | device << 3 | function */
    bool multi;    /* the device that `next` is in has more than one function */
};

/* Sets `address` to the next function's; false behind the last. */
MUST_CHECK bool pci_next(struct pci_walk *walk, uint32_t *address);

struct pci_quiet {
    uint32_t functions; /* there are so many */
    uint32_t silenced;  /* of them, mastered the bus and do not any more */
    uint32_t kept;      /* displays that go on */
    uint32_t fixed;     /* host and ISA bridges that have no switch for it */
    uint32_t stuck;     /* others that still master it */
    uint32_t stuck_at;  /* address of the last of these */
};

/*
 * Disables bus mastering on all functions of the segment, so that no device left running by a
 * firmware driver (a network card, a USB controller) can write to memory that now belongs to a
 * guest or send a message-signalled interrupt. `keep_displays`: their picture is what we draw on,
 * and it may come out of memory. An IOMMU's own function reads its tables and commands.
 */
struct pci_quiet pci_quiet(const struct pci_access *access, bool keep_displays);
