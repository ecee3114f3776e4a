/* SPDX-License-Identifier: MIT */
/*
 * vpci: a guest's PCI bus 0, behind the two ports of configuration mechanism #1. No bridges, one
 * function in each slot, no interrupt pins: a function that interrupts sends messages. Pure.
 * PCI Local Bus Specification "Configuration Space", "MSI Capability Structure".
 *
 * Closed by default: a byte of configuration space that no row of vdev/vpci.c names reads as 0 and
 * cannot be written. BARs are fixed: they answer sizing, and forget what else is written to them.
 * Decoding is not switched off by the command register: the ports answer whatever it says, as early
 * consoles print while a kernel sizes BARs.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

#define VPCI_ADDRESS 0xcf8 /* 32 bits, a latch; bytes of it belong to others or nobody */
#define VPCI_DATA    0xcfc /* 8, 16 or 32 bits of the register that the latch names */

#define VPCI_SLOTS 8
#define VPCI_BARS  8 /* six, in a table whose index can be masked */

struct vpci_bar {
    uint32_t value; /* base and type bits; 0: there is none */
    uint32_t size;  /* bytes, a power of two */
};

/* What a function is. Constant. */
struct vpci_identity {
    uint16_t vendor, device;
    uint32_t class_code; /* base class, sub-class, interface: 24 bits */
    uint16_t subsystem_vendor, subsystem;
    bool has_msi;
    struct vpci_bar bars[VPCI_BARS];
};

struct vpci_function {
    const struct vpci_identity *identity; /* NULL: the slot is empty */
    _Atomic uint32_t command;
    _Atomic uint32_t sized; /* bit i: all ones were the last that BAR i was told */
    _Atomic uint32_t line;  /* Interrupt Line: no function, kept for the guest */
    _Atomic uint32_t msi_control, msi_address, msi_data;
};

struct vpci {
    _Atomic uint32_t latch;
    struct vpci_function slots[VPCI_SLOTS];
};

enum vpci_slot { VPCI_BRIDGE, VPCI_UART };

/* Bus masters and MSI off, as after power-up; the host bridge and the UART are there. */
void vpci_reset(struct vpci *p);

/* Whether an access is one of configuration space's. CF9 is not: there sits the reset register. */
static inline bool vpci_claims(uint16_t port, uint8_t size)
{
    if (port < VPCI_ADDRESS || port > VPCI_DATA + 3)
        return false;
    if (port >= VPCI_DATA)
        return port + size <= VPCI_DATA + 4;
    return (port == VPCI_ADDRESS && size == 4) || (size == 1 && port != VPCI_ADDRESS + 1);
}

/* For an access that vpci_claims(). `size` 1, 2 or 4; the value in its low bytes. */
uint32_t vpci_in(const struct vpci *p, uint16_t port, uint8_t size);

/* Returns the function whose interrupts may now go elsewhere, or nowhere; NULL: none. */
MUST_CHECK const struct vpci_function *vpci_out(struct vpci *p, uint16_t port, uint8_t size,
                                                uint32_t value);

/* Address and data of the function's message; false: it may send none. A guest that writes them
 * meanwhile gets a mixture. */
MUST_CHECK bool vpci_message(const struct vpci_function *f, uint32_t *address, uint32_t *data);
