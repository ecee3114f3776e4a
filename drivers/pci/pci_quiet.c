/* SPDX-License-Identifier: MIT */
#include "drivers/pci/pci.h"

#include "drivers/pci/pci_parts.h"
#include "drivers/pci/pci_words.h"

#define PCI_FUNCTIONS 8

static bool pci_is_there(const struct pci_access *access, uint32_t function)
{
    return (pci_read(access, function, PCI_ID) & PCI_NOBODY) != PCI_NOBODY;
}

bool pci_next(struct pci_walk *walk, uint32_t *address)
{
    const struct pci_access *access = walk->access;

    while (access->first_bus + (walk->next >> 8) <= access->last_bus) {
        const uint32_t at = walk->next++;
        const uint32_t function = at % PCI_FUNCTIONS;

        *address = pci_address(access->first_bus + (at >> 8), at >> 3 & 0x1f, function, 0);
        if (function == 0) /* a device that has one function may answer to the numbers of all */
            walk->multi = pci_is_there(access, *address) &&
                          (pci_read(access, *address, PCI_HEADER) & PCI_HEADER_MULTI) != 0;
        if ((function == 0 || walk->multi) && pci_is_there(access, *address))
            return true;
    }
    return false;
}

static void pci_quiet_function(const struct pci_access *access, uint32_t function,
                               bool keep_displays, struct pci_quiet *quiet)
{
    const uint32_t command = pci_read(access, function, PCI_COMMAND) & PCI_COMMAND_BITS;
    const uint32_t class = pci_read(access, function, PCI_CLASS) >> 8;

    quiet->functions++;
    if (!(command & PCI_COMMAND_MASTER) || pci_is_iommu(class))
        return;
    if (keep_displays && pci_is_display(class)) {
        quiet->kept++;
        return;
    }
    pci_write(access, function, PCI_COMMAND, command & ~PCI_COMMAND_MASTER);
    if (!(pci_read(access, function, PCI_COMMAND) & PCI_COMMAND_MASTER)) {
        quiet->silenced++;
    } else if (pci_is_host_bridge(class) || pci_is_isa_bridge(class)) {
        quiet->fixed++;
    } else {
        quiet->stuck++;
        quiet->stuck_at = function;
    }
}

struct pci_quiet pci_quiet(const struct pci_access *access, bool keep_displays)
{
    struct pci_walk walk = {.access = access};
    struct pci_quiet quiet = {0};
    uint32_t function;

    while (pci_next(&walk, &function))
        pci_quiet_function(access, function, keep_displays, &quiet);
    return quiet;
}
