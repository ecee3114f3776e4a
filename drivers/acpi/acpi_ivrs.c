/* SPDX-License-Identifier: MIT */
/*
 * acpi_ivrs: AMD-Vi's units, the memory that the firmware reserves for devices, and which ids each
 * is for. AMD I/O Virtualization Technology (IOMMU) Specification "I/O Virtualization Reporting
 * Structure (IVRS)", "IVHD Device Entries", "I/O Virtualization Memory Definition (IVMD)".
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"

#define IVRS_HEAD 48 /* header, information, reserved */

struct ivrs_unit {
    uint8_t type, flags;
    uint16_t length;
    uint16_t device, capability;
    uint64_t base;
    uint16_t segment, info;
    uint32_t features;
} PACKED;
_Static_assert(sizeof(struct ivrs_unit) == 24, "I/O Virtualization Hardware Definition (IVHD)");
#define IVRS_UNIT_LONG 40 /* bytes before the entries of types 11h and 40h */

struct ivrs_memory {
    uint8_t type, flags;
    uint16_t length;
    uint16_t first, last;
    uint64_t reserved;
    uint64_t base, size;
} PACKED;
_Static_assert(sizeof(struct ivrs_memory) == 32, "I/O Virtualization Memory Definition (IVMD)");

/* Newer types of a unit say more of the same one. */
enum ivrs_type {
    IVRS_UNIT = 0x10,
    IVRS_UNIT_11 = 0x11,
    IVRS_UNIT_40 = 0x40,
    IVRS_MEMORY_ALL = 0x20,
    IVRS_MEMORY_ONE = 0x21,
    IVRS_MEMORY_RANGE = 0x22,
};

/* Types of a unit's entries; the two upper bits say how long one is. */
enum ivrs_entry_type {
    IVRS_PAD = 0x00,
    IVRS_ALL = 0x01,
    IVRS_SELECT = 0x02,
    IVRS_RANGE = 0x03,
    IVRS_RANGE_END = 0x04,
    IVRS_ALIAS = 0x42,
    IVRS_ALIAS_RANGE = 0x43,
    IVRS_EXTENDED = 0x46,
    IVRS_EXTENDED_RANGE = 0x47,
    IVRS_SPECIAL = 0x48,
    IVRS_NAMED = 0xf0, /* in ACPI's namespace; of variable length */
};
#define IVRS_NAMED_SIZE 22 /* before the name; its last byte is that one's length */
enum ivrs_special { IVRS_SPECIAL_IOAPIC = 1, IVRS_SPECIAL_HPET = 2 };

struct ivrs_entry {
    uint8_t type;
    uint16_t id;
    uint8_t settings;
    uint8_t handle; /* from here on: of entries of 8 bytes and more */
    uint16_t source;
    uint8_t variety;
} PACKED;
_Static_assert(sizeof(struct ivrs_entry) == 8, "IVHD Device Entries");

/* The entries of a unit, read one after the other. */
struct ivrs_walk {
    struct acpi_info *info;
    const struct acpi_table *ivrs;
    uint32_t at, end;
    struct acpi_scope scope;
    bool in_range; /* `scope` waits for its end */
};

/* Reads the entry at walk->at and how long it is; false: it is not all there. */
static bool acpi_ivrs_next(struct ivrs_walk *walk, struct ivrs_entry *e, uint32_t *length)
{
    uint8_t name = 0;
    const uint32_t left = walk->end - walk->at;

    *e = (struct ivrs_entry){.type = IVRS_PAD};
    if (!acpi_table_copy(walk->ivrs, walk->at, &e->type, sizeof(e->type)))
        return false;
    *length = 4u << (e->type >> 6);
    if (e->type == IVRS_NAMED) {
        if (left < IVRS_NAMED_SIZE ||
            !acpi_table_copy(walk->ivrs, walk->at + IVRS_NAMED_SIZE - 1, &name, sizeof(name)))
            return false;
        *length = IVRS_NAMED_SIZE + name;
    }
    return *length <= left &&
           acpi_table_copy(walk->ivrs, walk->at, e, (uint32_t)min_u64(*length, sizeof(*e)));
}

static const char *acpi_ivrs_ids(struct ivrs_walk *walk, uint16_t first, uint16_t last)
{
    walk->scope.first = first;
    walk->scope.last = last;
    return acpi_iommu_scope(walk->info, &walk->scope);
}

static const char *acpi_ivrs_special(struct ivrs_walk *walk, const struct ivrs_entry *e)
{
    if (e->variety != IVRS_SPECIAL_IOAPIC && e->variety != IVRS_SPECIAL_HPET)
        return NULL; /* none that we know */
    walk->scope.kind = e->variety == IVRS_SPECIAL_IOAPIC ? ACPI_SCOPE_IOAPIC : ACPI_SCOPE_HPET;
    return acpi_ivrs_ids(walk, e->source, e->source);
}

static const char *acpi_ivrs_range_end(struct ivrs_walk *walk, uint16_t last)
{
    if (!walk->in_range || last < walk->scope.first)
        return "has a range of devices that makes no sense";
    walk->in_range = false;
    return acpi_ivrs_ids(walk, walk->scope.first, last);
}

static const char *acpi_ivrs_entry(struct ivrs_walk *walk, const struct ivrs_entry *e)
{
    const bool ends = e->type == IVRS_RANGE_END;

    if (ends)
        return acpi_ivrs_range_end(walk, e->id);
    if (e->type == IVRS_PAD)
        return NULL;
    if (walk->in_range)
        return "has a range of devices that makes no sense";
    walk->scope.kind = ACPI_SCOPE_IDS;
    walk->scope.has_alias = e->type == IVRS_ALIAS || e->type == IVRS_ALIAS_RANGE;
    walk->scope.alias = walk->scope.has_alias ? e->source : 0;
    switch (e->type) {
    case IVRS_ALL:
        return acpi_ivrs_ids(walk, 0, UINT16_MAX);
    case IVRS_SELECT:
    case IVRS_ALIAS:
    case IVRS_EXTENDED:
    case IVRS_NAMED:
        return acpi_ivrs_ids(walk, e->id, e->id);
    case IVRS_RANGE:
    case IVRS_ALIAS_RANGE:
    case IVRS_EXTENDED_RANGE:
        walk->scope.first = e->id;
        walk->in_range = true;
        return NULL;
    case IVRS_SPECIAL:
        return acpi_ivrs_special(walk, e);
    default:
        return "names a device of an unknown kind";
    }
}

static const char *acpi_ivrs_entries(struct ivrs_walk *walk)
{
    struct ivrs_entry e;
    const char *why = NULL;
    uint32_t length = 0;

    for (; walk->at < walk->end; walk->at += length) {
        if (!acpi_ivrs_next(walk, &e, &length))
            return "has a device entry of invalid length";
        const char *wrong = acpi_ivrs_entry(walk, &e);
        why = why == NULL ? wrong : why;
    }
    return walk->in_range ? "has a range of devices that makes no sense" : why;
}

/* The row of the unit with these registers, or iommu_count. */
static uint8_t acpi_ivrs_known(const struct acpi_info *info, uint64_t base)
{
    uint8_t i = 0;

    while (i < info->iommu_count && info->iommus[i].address.v != base)
        i++;
    return i;
}

/* A newer description takes an older one's place. */
static const char *acpi_ivrs_unit(struct acpi_info *info, const struct acpi_table *ivrs,
                                  uint32_t at, uint32_t length)
{
    struct ivrs_walk walk = {.info = info, .ivrs = ivrs, .end = at + length};
    struct ivrs_unit u;

    if (length < sizeof(u) || !acpi_table_copy(ivrs, at, &u, sizeof(u)))
        return "has an entry that is too short";
    const uint32_t head = u.type == IVRS_UNIT ? (uint32_t)sizeof(u) : IVRS_UNIT_LONG;
    if (length < head)
        return "has an entry that is too short";
    const struct acpi_iommu unit = {.address = hpa(u.base),
                                    .segment = u.segment,
                                    .amd = true,
                                    .form = u.type,
                                    .flags = u.flags};
    walk.scope.of = acpi_ivrs_known(info, u.base);
    if (walk.scope.of == info->iommu_count) {
        const char *why = acpi_iommu_add(info, unit, &walk.scope.of);
        if (why != NULL)
            return why;
    } else if (info->iommus[walk.scope.of].form >= u.type) {
        return info->iommus[walk.scope.of].form == u.type ? "lists an IOMMU twice" : NULL;
    } else {
        acpi_iommu_forget(info, walk.scope.of);
        info->iommus[walk.scope.of] = unit;
    }
    walk.at = at + head;
    return acpi_ivrs_entries(&walk);
}

static const char *acpi_ivrs_memory(struct acpi_info *info, const struct acpi_table *ivrs,
                                    uint32_t at, uint32_t length)
{
    struct acpi_scope scope = {.kind = ACPI_SCOPE_IDS, .reserved = true};
    struct ivrs_memory m;

    if (length < sizeof(m) || !acpi_table_copy(ivrs, at, &m, sizeof(m)))
        return "has an entry that is too short";
    if (m.size == 0 || !range_ok(m.base, m.size))
        return "reserves memory that makes no sense";
    scope.first = m.type == IVRS_MEMORY_ALL ? 0 : m.first;
    scope.last = m.type == IVRS_MEMORY_ALL     ? UINT16_MAX
                 : m.type == IVRS_MEMORY_RANGE ? m.last
                                               : m.first;
    if (scope.last < scope.first)
        return "has a range of devices that makes no sense";
    const char *why = acpi_iommu_reserve(info, 0, m.base, m.base + m.size - 1, &scope.of);
    return why != NULL ? why : acpi_iommu_scope(info, &scope);
}

static const char *acpi_ivrs_block(struct acpi_info *info, const struct acpi_table *ivrs,
                                   uint32_t at, uint32_t length)
{
    uint8_t type;

    if (!acpi_table_copy(ivrs, at, &type, sizeof(type)))
        return "has an entry that is too short";
    if (type == IVRS_UNIT || type == IVRS_UNIT_11 || type == IVRS_UNIT_40)
        return acpi_ivrs_unit(info, ivrs, at, length);
    if (type >= IVRS_MEMORY_ALL && type <= IVRS_MEMORY_RANGE)
        return acpi_ivrs_memory(info, ivrs, at, length);
    return NULL;
}

bool acpi_ivrs_read(struct acpi_info *info, const struct acpi_table *ivrs)
{
    info->iommu_remaps = true;
    return acpi_iommu_read(info, ivrs, IVRS_HEAD, acpi_ivrs_block);
}
