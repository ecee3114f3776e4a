/* SPDX-License-Identifier: MIT */
/*
 * acpi_iommu: what the tables of IOMMUs have in common: units, ranges of reserved memory, and which
 * functions each is for, in bounded lists.
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"

_Static_assert(ACPI_IOMMUS_MAX <= UINT8_MAX && ACPI_RESERVED_MAX <= UINT8_MAX, "a scope's `of`");

const char *acpi_iommu_add(struct acpi_info *info, struct acpi_iommu unit, uint8_t *mark)
{
    if (unit.address.v == 0 || !is_aligned(unit.address.v, PAGE_SIZE) ||
        !range_ok(unit.address.v, acpi_iommu_size(&unit)))
        return "lists an IOMMU without a valid address";
    for (uint32_t i = 0; i < info->iommu_count; i++)
        if (unit.address.v < info->iommus[i].address.v + acpi_iommu_size(&info->iommus[i]) &&
            info->iommus[i].address.v < unit.address.v + acpi_iommu_size(&unit))
            return "lists an IOMMU twice";
    if (info->iommu_count == ACPI_IOMMUS_MAX)
        return "lists more than 16 IOMMUs";
    *mark = (uint8_t)info->iommu_count;
    info->iommus[info->iommu_count++] = unit;
    return NULL;
}

const char *acpi_iommu_reserve(struct acpi_info *info, uint16_t segment, uint64_t base,
                               uint64_t last, uint8_t *mark)
{
    const uint64_t first = align_down(base, PAGE_SIZE);
    uint64_t end;

    if (last < base || last == UINT64_MAX || !align_up(last + 1, PAGE_SIZE, &end))
        return "reserves memory that makes no sense";
    if (info->reserved_count == ACPI_RESERVED_MAX)
        return "reserves more than 32 ranges of memory";
    *mark = (uint8_t)info->reserved_count;
    info->reserved[info->reserved_count++] =
        (struct acpi_reserved){.base = first, .size = end - first, .segment = segment};
    return NULL;
}

const char *acpi_iommu_scope(struct acpi_info *info, const struct acpi_scope *scope)
{
    if (info->scope_count == ACPI_SCOPES_MAX)
        return "names more than 512 devices";
    info->scopes[info->scope_count++] = *scope;
    return NULL;
}

void acpi_iommu_forget(struct acpi_info *info, uint8_t unit)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < info->scope_count; i++)
        if (info->scopes[i].reserved || info->scopes[i].of != unit)
            info->scopes[kept++] = info->scopes[i];
    info->scope_count = kept;
}

void acpi_iommu_drop(struct acpi_info *info, uint32_t unit)
{
    acpi_iommu_forget(info, (uint8_t)unit);
    for (uint32_t i = unit + 1; i < info->iommu_count; i++)
        info->iommus[i - 1] = info->iommus[i];
    info->iommu_count--;
    for (uint32_t i = 0; i < info->scope_count; i++)
        if (!info->scopes[i].reserved && info->scopes[i].of > unit)
            info->scopes[i].of--;
    info->iommu_doubt = true;
}

bool acpi_iommu_read(struct acpi_info *info, const struct acpi_table *table, uint32_t head,
                     const char *(*read)(struct acpi_info *info, const struct acpi_table *table,
                                         uint32_t at, uint32_t length))
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
        wrong = read(info, table, at, words[1]);
        why = why == NULL ? wrong : why;
    }
    if (why != NULL) {
        acpi_table_complain(table, why);
        info->iommu_doubt = true;
    }
    return info->iommu_count > 0;
}
