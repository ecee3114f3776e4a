/* SPDX-License-Identifier: MIT */
/*
 * acpi_mcfg: where the configuration spaces of the machine's PCI segments are in memory. PCI
 * Firmware Specification "MCFG Table Description".
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"

#define MCFG_HEAD 44 /* the header and 8 reserved bytes */

struct mcfg_entry {
    uint64_t base;
    uint16_t segment;
    uint8_t first_bus, last_bus;
    uint32_t reserved;
} PACKED;
_Static_assert(sizeof(struct mcfg_entry) == 16, "Configuration Space Base Address Allocation");

static const char *mcfg_add(struct acpi_info *info, const struct mcfg_entry *e)
{
    if (e->first_bus > e->last_bus || e->base == 0 || !is_aligned(e->base, ACPI_ECAM_BUS) ||
        !range_ok(e->base, (e->last_bus + UINT64_C(1)) * ACPI_ECAM_BUS))
        return "has an entry that makes no sense";
    for (uint32_t i = 0; i < info->ecam_count; i++)
        if (info->ecams[i].segment == e->segment && info->ecams[i].first_bus <= e->last_bus &&
            e->first_bus <= info->ecams[i].last_bus)
            return "lists a bus twice";
    if (info->ecam_count == ACPI_ECAMS_MAX)
        return "has more than 16 entries";
    info->ecams[info->ecam_count++] = (struct acpi_ecam){.address = hpa(e->base),
                                                         .segment = e->segment,
                                                         .first_bus = e->first_bus,
                                                         .last_bus = e->last_bus};
    return NULL;
}

bool acpi_mcfg_read(struct acpi_info *info, const struct acpi_table *mcfg)
{
    struct mcfg_entry e;
    const char *why = NULL;

    for (uint32_t at = MCFG_HEAD; at < mcfg->length; at += sizeof(e)) {
        const bool whole = acpi_table_copy(mcfg, at, &e, sizeof(e));
        const char *wrong = whole ? mcfg_add(info, &e) : "ends in the middle of an entry";

        why = why == NULL ? wrong : why;
        if (!whole)
            break;
    }
    if (why != NULL)
        acpi_table_complain(mcfg, why);
    return info->ecam_count > 0;
}
