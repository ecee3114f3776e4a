/* SPDX-License-Identifier: MIT */
/*
 * acpi_iommu: where the machine's IOMMUs are. Intel Virtualization Technology for Directed I/O "DMA
 * Remapping Reporting Structure"; AMD I/O Virtualization Technology (IOMMU) Specification "I/O
 * Virtualization Reporting Structure (IVRS)".
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"

#define DMAR_HEAD 48 /* header, address width, flags, reserved */
#define IVRS_HEAD 48 /* header, information, reserved */

struct dmar_entry {
    uint16_t type, length;
    uint8_t flags, size; /* of a unit */
    uint16_t segment;
    uint64_t base;
} PACKED;
_Static_assert(sizeof(struct dmar_entry) == 16, "DMA Remapping Hardware Unit Definition");

enum dmar_type { DMAR_UNIT = 0, DMAR_RESERVED = 1 };
#define DMAR_UNIT_REST BIT32(0) /* INCLUDE_PCI_ALL */

struct ivrs_entry {
    uint8_t type, flags;
    uint16_t length;
    uint16_t device, capability;
    uint64_t base;
    uint16_t segment;
} PACKED;
_Static_assert(sizeof(struct ivrs_entry) == 18, "I/O Virtualization Hardware Definition (IVHD)");

/* Newer types of a unit say more of the same one. */
enum ivrs_type {
    IVRS_UNIT = 0x10,
    IVRS_UNIT_11 = 0x11,
    IVRS_UNIT_40 = 0x40,
    IVRS_RESERVED_ALL = 0x20,
    IVRS_RESERVED_LAST = 0x22,
};

static const char *acpi_add_iommu(struct acpi_info *info, struct acpi_iommu unit)
{
    if (unit.address.v == 0 || !is_aligned(unit.address.v, PAGE_SIZE) ||
        !range_ok(unit.address.v, PAGE_SIZE))
        return "lists an IOMMU without a valid address";
    for (uint32_t i = 0; i < info->iommu_count; i++)
        if (info->iommus[i].address.v == unit.address.v)
            return unit.amd ? NULL : "lists an IOMMU twice";
    if (info->iommu_count == ACPI_IOMMUS_MAX)
        return "lists more than 16 IOMMUs";
    info->iommus[info->iommu_count++] = unit;
    return NULL;
}

static const char *dmar_read_entry(struct acpi_info *info, const struct acpi_table *dmar,
                                   uint32_t at, uint32_t type)
{
    struct dmar_entry e;

    if (type == DMAR_RESERVED)
        info->reserved_count++;
    if (type != DMAR_UNIT)
        return NULL;
    if (!acpi_table_copy(dmar, at, &e, sizeof(e)) || e.length < sizeof(e))
        return "has an entry that is too short";
    return acpi_add_iommu(info, (struct acpi_iommu){.address = hpa(e.base),
                                                    .segment = e.segment,
                                                    .rest = (e.flags & DMAR_UNIT_REST) != 0});
}

static const char *ivrs_read_entry(struct acpi_info *info, const struct acpi_table *ivrs,
                                   uint32_t at, uint32_t type)
{
    struct ivrs_entry e;

    if (type >= IVRS_RESERVED_ALL && type <= IVRS_RESERVED_LAST)
        info->reserved_count++;
    if (type != IVRS_UNIT && type != IVRS_UNIT_11 && type != IVRS_UNIT_40)
        return NULL;
    if (!acpi_table_copy(ivrs, at, &e, sizeof(e)) || e.length < sizeof(e))
        return "has an entry that is too short";
    return acpi_add_iommu(
        info, (struct acpi_iommu){.address = hpa(e.base), .segment = e.segment, .amd = true});
}

/* Both tables are lists of entries, each with its length in its second half-word. */
static bool acpi_read_iommus(struct acpi_info *info, const struct acpi_table *table, uint32_t head,
                             bool amd)
{
    uint16_t words[2];
    const char *why = table->length < head ? "is shorter than its fixed part" : NULL;

    for (uint32_t at = head; at < table->length; at += words[1]) {
        const char *wrong;

        if (!acpi_table_copy(table, at, words, sizeof(words)) || words[1] < sizeof(words) ||
            words[1] > table->length - at) {
            why = "has an entry of invalid length; the rest is ignored";
            break;
        }
        wrong = amd ? ivrs_read_entry(info, table, at, words[0] & 0xff)
                    : dmar_read_entry(info, table, at, words[0]);
        why = why == NULL ? wrong : why;
    }
    if (why != NULL)
        acpi_table_complain(table, why);
    return info->iommu_count > 0;
}

bool acpi_dmar_read(struct acpi_info *info, const struct acpi_table *dmar)
{
    return acpi_read_iommus(info, dmar, DMAR_HEAD, false);
}

bool acpi_ivrs_read(struct acpi_info *info, const struct acpi_table *ivrs)
{
    return acpi_read_iommus(info, ivrs, IVRS_HEAD, true);
}
