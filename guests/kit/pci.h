/* SPDX-License-Identifier: MIT */
/*
 * pci: finds a device that the configuration file gives to the guest, and has it interrupt. All is
 * on bus 0, one function in a slot, where docs/guest-abi.md says; nothing is to be set up but the
 * message. One core only.
 */
#pragma once

#include "lib/types.h"
#include "lib/x86/insn.h"

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_SLOTS   32
#define PCI_NOBODY  UINT32_MAX

enum pci_register {
    PCI_ID = 0x00,      /* vendor in 15:0, device in 31:16 */
    PCI_COMMAND = 0x04, /* bit 2: it may send and read on its own */
    PCI_BAR0 = 0x10,
    PCI_CAPABILITIES = 0x34,
};

#define PCI_MASTER     0x4u
#define PCI_CAP_MSI    0x05u
#define PCI_CAP_MSIX   0x11u
#define PCI_MSI_ENABLE 0x10000u
#define PCI_MSI_WIDE   0x800000u

static inline uint32_t pci_get(uint32_t slot, uint32_t reg)
{
    out32(PCI_ADDRESS, 0x80000000 | slot << 11 | reg);
    return in32(PCI_DATA);
}

static inline void pci_set(uint32_t slot, uint32_t reg, uint32_t value)
{
    out32(PCI_ADDRESS, 0x80000000 | slot << 11 | reg);
    out32(PCI_DATA, value);
}

/* The slot of the first device with this id, or PCI_SLOTS. */
static inline uint32_t pci_find(uint32_t id)
{
    uint32_t slot = 0;

    while (slot < PCI_SLOTS && pci_get(slot, PCI_ID) != id)
        slot++;
    return slot;
}

/* Where the device's registers are: a BAR of memory below 4 GiB. */
static inline volatile uint32_t *pci_registers(uint32_t slot, uint32_t bar)
{
    return (volatile uint32_t *)(uint64_t)(pci_get(slot, PCI_BAR0 + 4 * bar) & ~15u);
}

/* The register where the capability begins; 0: it has none of this kind. */
static inline uint32_t pci_capability(uint32_t slot, uint32_t id)
{
    uint32_t at = pci_get(slot, PCI_CAPABILITIES) & 0xfc;

    while (at != 0 && (pci_get(slot, at) & 0xff) != id)
        at = pci_get(slot, at) >> 8 & 0xfc;
    return at;
}

/* The same of a BAR that may be of 64 bits. */
static inline uint64_t pci_bar(uint32_t slot, uint32_t bar)
{
    const uint64_t low = pci_get(slot, PCI_BAR0 + 4 * bar);
    const uint64_t high = (low & 6) == 4 ? pci_get(slot, PCI_BAR0 + 4 * bar + 4) : 0;

    return high << 32 | (low & ~UINT64_C(15));
}

/* Where the device's MSI-X table is, guest-physical; 0: it has none. */
static inline uint64_t pci_table(uint32_t slot)
{
    const uint32_t msix = pci_capability(slot, PCI_CAP_MSIX);

    if (msix == 0)
        return 0;
    const uint32_t where = pci_get(slot, msix + 4);

    return pci_bar(slot, where & 7) + (where & ~7u);
}

/* The same of the first device that has one. */
static inline uint64_t pci_table_any(void)
{
    uint64_t table = 0;

    for (uint32_t slot = 0; slot < PCI_SLOTS && table == 0; slot++)
        if (pci_get(slot, PCI_ID) != PCI_NOBODY)
            table = pci_table(slot);
    return table;
}

/* Interrupts come as `vector` (32..255) to the core with this APIC id (below 256), and the device
 * may reach memory. False: it has no MSI. */
static inline bool pci_start(uint32_t slot, uint8_t vector, uint32_t apic_id)
{
    const uint32_t msi = pci_capability(slot, PCI_CAP_MSI);
    const uint32_t control = msi != 0 ? pci_get(slot, msi) : 0;

    if (msi == 0)
        return false;
    pci_set(slot, msi + 4, 0xfee00000 | apic_id << 12);
    if (control & PCI_MSI_WIDE)
        pci_set(slot, msi + 8, 0);
    pci_set(slot, msi + (control & PCI_MSI_WIDE ? 12 : 8), vector);
    pci_set(slot, msi, control | PCI_MSI_ENABLE);
    pci_set(slot, PCI_COMMAND, pci_get(slot, PCI_COMMAND) | PCI_MASTER);
    return true;
}
