/* SPDX-License-Identifier: MIT */
/*
 * pci_parts: what the files of drivers/pci share. No other file includes it. PCI Local Bus
 * Specification "Configuration Space".
 */
#pragma once

#include "drivers/pci/pci.h"
#include "lib/bits.h"

enum pci_register {
    PCI_ID = 0x00,           /* r-  vendor in 15:0, all ones: nothing there; device in 31:16 */
    PCI_COMMAND = 0x04,      /* rw  command in 15:0; status in 31:16, of which writing 1 clears */
    PCI_CLASS = 0x08,        /* r-  class in 31:24, subclass in 23:16, interface in 15:8 */
    PCI_HEADER = 0x0c,       /* r-  header type in 22:16; bit 23: more than one function */
    PCI_BAR = 0x10,          /* rw  and the words behind it */
    PCI_BUSES = 0x18,        /* rw  of a bridge: secondary bus in 15:8, subordinate in 23:16 */
    PCI_CAPABILITIES = 0x34, /* r-  where the first one stands, in 7:2 */
};

#define PCI_NOBODY         0xffff
#define PCI_COMMAND_IO     BIT32(0)
#define PCI_COMMAND_MEMORY BIT32(1)
#define PCI_COMMAND_MASTER BIT32(2)
#define PCI_COMMAND_BITS   0xffff
#define PCI_STATUS_LIST    BIT32(20) /* there are capabilities */
#define PCI_HEADER_MULTI   BIT32(23)

static inline uint32_t pci_read(const struct pci_access *access, uint32_t function, uint32_t offset)
{
    return access->read(access->context, function | offset);
}

static inline void pci_write(const struct pci_access *access, uint32_t function, uint32_t offset,
                             uint32_t value)
{
    access->write(access->context, function | offset, value);
}
