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

/* Where functions have their memory: below 4 GiB, where no guest has RAM, and off the pages of
 * interrupt controllers. */
#define VPCI_MEMORY_FIRST UINT64_C(0xc0000000)
#define VPCI_MEMORY_LAST  UINT64_C(0xfdffffff)

#define VPCI_SLOTS 16 /* a power of two */
#define VPCI_BARS  8  /* six, in a table whose index can be masked */

struct vpci_bar {
    uint32_t value; /* base and type bits; 0: there is none */
    uint32_t size;  /* bytes, a power of two */
};

/* What a function is. Constant. */
struct vpci_identity {
    uint16_t vendor, device;
    uint32_t class_code; /* base class, sub-class, interface: 24 bits */
    uint8_t revision;
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

enum vpci_slot {
    VPCI_BRIDGE,
    VPCI_UART,
    VPCI_LINK, /* the first of VLINKS */
    VPCI_CABLE = 6,
    VPCI_DEVICE = 8, /* the first of the machine's own, which are not this file's: vdev/vpass.h */
};

/* A UART as COM2, for the serial cable to another guest. */
extern const struct vpci_identity vpci_cable;

/* Bus masters and MSI off, as after power-up; the host bridge and the UART are there. */
void vpci_reset(struct vpci *p);

/* Puts another function, as after power-up, into a slot (below VPCI_SLOTS) of a bus that no guest
 * uses yet; `identity` has to outlive it. */
void vpci_plug(struct vpci *p, uint32_t slot, const struct vpci_identity *identity);

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

/* The slot and the register (0..252, a multiple of 4) that an access goes to, if it is not one to
 * the latch; false: to none. */
MUST_CHECK bool vpci_names(const struct vpci *p, uint16_t port, uint32_t *slot, uint32_t *reg);

/* Returns the function whose interrupts may now go elsewhere, or nowhere; NULL: none. */
MUST_CHECK const struct vpci_function *vpci_out(struct vpci *p, uint16_t port, uint8_t size,
                                                uint32_t value);

/* Address and data of the function's message; false: it may send none. A guest that writes them
 * meanwhile gets a mixture. */
MUST_CHECK bool vpci_message(const struct vpci_function *f, uint32_t *address, uint32_t *data);

/* As if a driver had programmed this message and switched it on, or, with no data, off. */
void vpci_set_message(struct vpci_function *f, uint32_t address, uint32_t data);
