/* SPDX-License-Identifier: MIT */
/*
 * pci: disables bus mastering on all functions, so that no device left running by a firmware driver
 * (a network card, a USB controller) can write to memory that now belongs to a guest or send a
 * message-signalled interrupt. Drives no device. Pure. PCI Local Bus Specification "Configuration
 * Space", "Command Register".
 */
#pragma once

#include "lib/types.h"

/* Configuration space of segment 0, in doublewords. */
struct pci_access {
    uint32_t (*read)(void *context, uint32_t address);
    void (*write)(void *context, uint32_t address, uint32_t value);
    void *context;
};

/* `address` of a register: as in the PC's CONFIG_ADDRESS, without its enable bit. */
static inline uint32_t pci_address(uint32_t bus, uint32_t device, uint32_t function,
                                   uint32_t offset)
{
    return bus << 16 | device << 11 | function << 8 | offset;
}

struct pci_quiet {
    uint32_t functions; /* there are so many */
    uint32_t silenced;  /* of them, mastered the bus and do not any more */
    uint32_t kept;      /* displays that go on */
    uint32_t fixed;     /* host and ISA bridges that have no switch for it */
    uint32_t stuck;     /* others that still master it */
    uint32_t stuck_at;  /* address of the last of these */
};

/* `keep_displays`: their picture is what we draw on, and it may come out of memory. */
struct pci_quiet pci_quiet(const struct pci_access *access, bool keep_displays);
