/* SPDX-License-Identifier: MIT */
#include "drivers/pci/pci.h"

#include "lib/bits.h"

#define PCI_BUSES     256
#define PCI_DEVICES   32
#define PCI_FUNCTIONS 8

enum pci_register {
    PCI_ID = 0x00,      /* r-  vendor in 15:0, all ones: nothing there */
    PCI_COMMAND = 0x04, /* rw  command in 15:0; status in 31:16, of which writing 1 clears */
    PCI_CLASS = 0x08,   /* r-  class in 31:24, subclass in 23:16 */
    PCI_HEADER = 0x0c,  /* r-  header type in 23:16, its bit 7: more than one function */
};

#define PCI_NOBODY         0xffff
#define PCI_COMMAND_MASTER BIT32(2)
#define PCI_COMMAND_BITS   0xffff
#define PCI_CLASS_DISPLAY  3
#define PCI_BRIDGE_HOST    0x0600 /* class and subclass */
#define PCI_BRIDGE_ISA     0x0601
#define PCI_HEADER_MULTI   BIT32(23)

static uint32_t pci_read(const struct pci_access *access, uint32_t function, uint32_t offset)
{
    return access->read(access->context, function | offset);
}

static bool pci_is_there(const struct pci_access *access, uint32_t function)
{
    return (pci_read(access, function, PCI_ID) & PCI_NOBODY) != PCI_NOBODY;
}

static void pci_quiet_function(const struct pci_access *access, uint32_t function,
                               bool keep_displays, struct pci_quiet *quiet)
{
    const uint32_t command = pci_read(access, function, PCI_COMMAND) & PCI_COMMAND_BITS;
    const uint32_t class = pci_read(access, function, PCI_CLASS) >> 16;

    quiet->functions++;
    if (!(command & PCI_COMMAND_MASTER))
        return;
    if (keep_displays && class >> 8 == PCI_CLASS_DISPLAY) {
        quiet->kept++;
        return;
    }
    access->write(access->context, function | PCI_COMMAND, command & ~PCI_COMMAND_MASTER);
    if (!(pci_read(access, function, PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        quiet->silenced++;
    } else if (class == PCI_BRIDGE_HOST || class == PCI_BRIDGE_ISA) {
        quiet->fixed++;
    } else {
        quiet->stuck++;
        quiet->stuck_at = function;
    }
}

/* Every bus there could be, and not down the tree of bridges: nothing depends on what the bridges
 * say of themselves. */
struct pci_quiet pci_quiet(const struct pci_access *access, bool keep_displays)
{
    struct pci_quiet quiet = {0};

    for (uint32_t i = 0; i < PCI_BUSES * PCI_DEVICES; i++) {
        const uint32_t first = pci_address(i / PCI_DEVICES, i % PCI_DEVICES, 0, 0);
        if (!pci_is_there(access, first))
            continue;
        const bool multi = pci_read(access, first, PCI_HEADER) & PCI_HEADER_MULTI;
        for (uint32_t f = 0; f < (multi ? PCI_FUNCTIONS : 1); f++) {
            const uint32_t function = first | pci_address(0, 0, f, 0);
            if (pci_is_there(access, function))
                pci_quiet_function(access, function, keep_displays, &quiet);
        }
    }
    return quiet;
}
