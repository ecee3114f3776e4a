/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/iommu_find.h"

/* A bridge of this segment at bus and device and function. */
static const struct pci_entry *iommu_find_bridge(const struct pci_list *list, uint32_t segment,
                                                 uint32_t bus, uint32_t function)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pci_entry *e = &list->entries[i];
        if (e->segment == segment && e->is_bridge && iommu_id_of(e) == (bus << 8 | function))
            return e;
    }
    return NULL;
}

/* How many ids a DMAR scope names, the function's among them; 0: not that. */
static uint32_t iommu_find_by_path(const struct acpi_scope *scope, const struct pci_list *list,
                                   const struct pci_entry *e)
{
    const struct pci_entry *bridge;
    uint32_t bus = scope->bus;

    for (uint32_t i = 0; i + 1u < scope->steps; i++) {
        bridge = iommu_find_bridge(list, e->segment, bus, scope->path[i]);
        if (bridge == NULL)
            return 0;
        bus = bridge->secondary;
    }
    const uint32_t last = scope->path[scope->steps - 1];
    if (iommu_id_of(e) == (bus << 8 | last))
        return 1;
    if (scope->kind != ACPI_SCOPE_BRIDGE)
        return 0;
    bridge = iommu_find_bridge(list, e->segment, bus, last);
    if (bridge == NULL || !pci_is_below(bridge, e))
        return 0;
    return (bridge->subordinate - bridge->secondary + 1u) << 8;
}

/* The same of any scope. */
static uint32_t iommu_find_width(const struct acpi_scope *scope, const struct pci_list *list,
                                 const struct pci_entry *e)
{
    const uint32_t id = iommu_id_of(e);

    if (scope->kind == ACPI_SCOPE_IOAPIC || scope->kind == ACPI_SCOPE_HPET)
        return 0; /* what these have for an id is no function's */
    if (scope->steps > 0)
        return iommu_find_by_path(scope, list, e);
    const uint32_t below = scope->first;
    return below <= id && id <= scope->last ? scope->last + 1u - below : 0;
}

/* Of the scopes of units that name the function the one that names the fewest; NULL: none does. Of
 * two that name as many the later one, as IVRS wants it. */
static const struct acpi_scope *iommu_find_scope(const struct acpi_info *acpi,
                                                 const struct pci_list *list,
                                                 const struct pci_entry *e)
{
    const struct acpi_scope *best = NULL;
    uint32_t least = UINT32_MAX;

    for (uint32_t i = 0; i < acpi->scope_count; i++) {
        const struct acpi_scope *s = &acpi->scopes[i];
        if (s->reserved || acpi->iommus[s->of].segment != e->segment)
            continue;
        const uint32_t width = iommu_find_width(s, list, e);
        if (width == 0 || width > least)
            continue;
        best = s;
        least = width;
    }
    return best;
}

uint32_t iommu_find_unit(const struct acpi_info *acpi, const struct pci_list *list,
                         const struct pci_entry *e)
{
    const struct acpi_scope *scope = iommu_find_scope(acpi, list, e);

    if (scope != NULL)
        return scope->of;
    for (uint32_t i = 0; i < acpi->iommu_count; i++)
        if (acpi->iommus[i].rest && acpi->iommus[i].segment == e->segment)
            return i;
    return IOMMU_NONE;
}

/* Of the bridges above the function any that takes requests of what is below it for its own: what
 * is not PCI Express on both sides. */
static bool iommu_find_old_bridge(const struct pci_list *list, const struct pci_entry *e)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pci_entry *b = &list->entries[i];
        if (pci_is_below(b, e) && b->port != PCI_PORT_ROOT && b->port != PCI_PORT_UPSTREAM &&
            b->port != PCI_PORT_DOWNSTREAM)
            return true;
    }
    return false;
}

const char *iommu_find_alias(const struct acpi_info *acpi, const struct pci_list *list,
                             const struct pci_entry *e)
{
    const struct acpi_scope *scope = iommu_find_scope(acpi, list, e);

    if (iommu_find_old_bridge(list, e))
        return "is behind a bridge to conventional PCI, whose id its requests carry";
    if (scope != NULL && scope->has_alias && scope->alias != iommu_id_of(e))
        return "sends its requests under another device's id, as the firmware says";
    return NULL;
}

uint32_t iommu_find_reserved(const struct acpi_info *acpi, const struct pci_list *list,
                             const struct pci_entry *e, uint32_t from)
{
    uint32_t next = IOMMU_NONE;

    for (uint32_t i = 0; i < acpi->scope_count; i++) {
        const struct acpi_scope *s = &acpi->scopes[i];
        if (s->reserved && s->of >= from && s->of < next &&
            acpi->reserved[s->of].segment == e->segment && iommu_find_width(s, list, e) > 0)
            next = s->of;
    }
    return next;
}
