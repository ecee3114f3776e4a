/* SPDX-License-Identifier: MIT */
/*
 * iommu_find: which IOMMU a PCI function sends through, under whose id, and what memory the
 * firmware keeps for it. Pure: by what ACPI and configuration space say, neither of which is
 * trusted to be complete.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci_list.h"

#define IOMMU_NONE UINT32_MAX

/* The id that a function's own requests carry. */
static inline uint16_t iommu_id_of(const struct pci_entry *e)
{
    return (uint16_t)(pci_bus(e->address) << 8 | pci_device(e->address) << 3 |
                      pci_function(e->address));
}

/* The row of acpi->iommus for the function, or IOMMU_NONE: the one that names the fewest functions
 * of those that name it, else the one for all that are not named. */
uint32_t iommu_find_unit(const struct acpi_info *acpi, const struct pci_list *list,
                         const struct pci_entry *e);

/* Its requests may come under another's id, so that an IOMMU cannot tell the two apart: NULL, or
 * whose. */
const char *iommu_find_alias(const struct acpi_info *acpi, const struct pci_list *list,
                             const struct pci_entry *e);

/* The next row of acpi->reserved, from `from` on, that is for the function; or IOMMU_NONE. */
uint32_t iommu_find_reserved(const struct acpi_info *acpi, const struct pci_list *list,
                             const struct pci_entry *e, uint32_t from);
