/* SPDX-License-Identifier: MIT */
/*
 * acpi_dmar: VT-d's units, the memory that the firmware reserves for devices, and which devices
 * each is for. Intel Virtualization Technology for Directed I/O "DMA Remapping Reporting
 * Structure", "Device Scope Structure".
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"

#define DMAR_HEAD        48 /* header, address width, flags, reserved */
#define DMAR_FLAGS       37
#define DMAR_FLAG_REMAPS BIT32(0) /* INTR_REMAP */
#define DMAR_FLAG_XAPIC  BIT32(1) /* X2APIC_OPT_OUT */

struct dmar_unit {
    uint16_t type, length;
    uint8_t flags, size;
    uint16_t segment;
    uint64_t base;
} PACKED;
_Static_assert(sizeof(struct dmar_unit) == 16, "DMA Remapping Hardware Unit Definition");

struct dmar_reserved {
    uint16_t type, length, reserved, segment;
    uint64_t base, last;
} PACKED;
_Static_assert(sizeof(struct dmar_reserved) == 24, "Reserved Memory Region Reporting");

struct dmar_scope {
    uint8_t type, length;
    uint16_t flags;
    uint8_t id, bus;
} PACKED;
_Static_assert(sizeof(struct dmar_scope) == 6, "Device Scope Structure");

enum dmar_type { DMAR_UNIT = 0, DMAR_RESERVED = 1 };
#define DMAR_UNIT_REST BIT32(0) /* INCLUDE_PCI_ALL */

enum dmar_scope_type {
    DMAR_SCOPE_ENDPOINT = 1,
    DMAR_SCOPE_BRIDGE = 2,
    DMAR_SCOPE_IOAPIC = 3,
    DMAR_SCOPE_HPET = 4,
    DMAR_SCOPE_NAMED = 5, /* in ACPI's namespace: has no configuration space */
};

static enum acpi_scope_kind acpi_dmar_kind(uint8_t type)
{
    switch (type) {
    case DMAR_SCOPE_BRIDGE:
        return ACPI_SCOPE_BRIDGE;
    case DMAR_SCOPE_IOAPIC:
        return ACPI_SCOPE_IOAPIC;
    case DMAR_SCOPE_HPET:
        return ACPI_SCOPE_HPET;
    default:
        return ACPI_SCOPE_FUNCTION;
    }
}

/* One scope of `s.length` bytes at `at`, all of it inside the table. */
static const char *acpi_dmar_scope(struct acpi_info *info, const struct acpi_table *dmar,
                                   uint32_t at, struct dmar_scope s, struct acpi_scope *scope)
{
    const uint32_t bytes = s.length - (uint32_t)sizeof(s);
    uint8_t pairs[2 * ACPI_PATH_MAX];

    if (s.type < DMAR_SCOPE_ENDPOINT || s.type > DMAR_SCOPE_NAMED)
        return "names a device of an unknown kind";
    if (bytes % 2 != 0 || bytes > sizeof(pairs) ||
        !acpi_table_copy(dmar, at + (uint32_t)sizeof(s), pairs, bytes))
        return "names a device by an invalid path";
    scope->kind = acpi_dmar_kind(s.type);
    scope->bus = s.bus;
    scope->steps = (uint8_t)(bytes / 2);
    for (uint32_t i = 0; i < scope->steps; i++) {
        if (pairs[2 * i] > 31 || pairs[2 * i + 1] > 7)
            return "names a device by an invalid path";
        scope->path[i] = (uint8_t)(pairs[2 * i] << 3 | pairs[2 * i + 1]);
    }
    return acpi_iommu_scope(info, scope);
}

/* Those from `at` on, up to `end`, which is inside the table. */
static const char *acpi_dmar_scopes(struct acpi_info *info, const struct acpi_table *dmar,
                                    uint32_t at, uint32_t end, struct acpi_scope scope)
{
    struct dmar_scope s;
    const char *why = NULL;

    for (; at < end; at += s.length) {
        if (end - at < sizeof(s) || !acpi_table_copy(dmar, at, &s, sizeof(s)) ||
            s.length < sizeof(s) + 2 || s.length > end - at)
            return "has a device scope of invalid length";
        const char *wrong = acpi_dmar_scope(info, dmar, at, s, &scope);
        why = why == NULL ? wrong : why;
    }
    return why;
}

static const char *acpi_dmar_unit(struct acpi_info *info, const struct acpi_table *dmar,
                                  uint32_t at, uint32_t length)
{
    struct acpi_scope scope = {.reserved = false};
    struct dmar_unit u;

    if (length < sizeof(u) || !acpi_table_copy(dmar, at, &u, sizeof(u)))
        return "has an entry that is too short";
    const char *why = acpi_iommu_add(info,
                                     (struct acpi_iommu){.address = hpa(u.base),
                                                         .segment = u.segment,
                                                         .rest = (u.flags & DMAR_UNIT_REST) != 0},
                                     &scope.of);
    return why != NULL ? why
                       : acpi_dmar_scopes(info, dmar, at + (uint32_t)sizeof(u), at + length, scope);
}

static const char *acpi_dmar_reserved(struct acpi_info *info, const struct acpi_table *dmar,
                                      uint32_t at, uint32_t length)
{
    struct acpi_scope scope = {.reserved = true};
    struct dmar_reserved r;

    if (length < sizeof(r) || !acpi_table_copy(dmar, at, &r, sizeof(r)))
        return "has an entry that is too short";
    const char *why = acpi_iommu_reserve(info, r.segment, r.base, r.last, &scope.of);
    return why != NULL ? why
                       : acpi_dmar_scopes(info, dmar, at + (uint32_t)sizeof(r), at + length, scope);
}

/* Entries of other types (ATSR, RHSA and later ones) say nothing about who is where. */
static const char *acpi_dmar_entry(struct acpi_info *info, const struct acpi_table *dmar,
                                   uint32_t at, uint32_t length)
{
    uint16_t type;

    if (!acpi_table_copy(dmar, at, &type, sizeof(type)))
        return "has an entry that is too short";
    if (type == DMAR_UNIT)
        return acpi_dmar_unit(info, dmar, at, length);
    return type == DMAR_RESERVED ? acpi_dmar_reserved(info, dmar, at, length) : NULL;
}

bool acpi_dmar_read(struct acpi_info *info, const struct acpi_table *dmar)
{
    uint8_t flags = 0;

    if (acpi_table_copy(dmar, DMAR_FLAGS, &flags, sizeof(flags))) {
        info->iommu_remaps = (flags & DMAR_FLAG_REMAPS) != 0;
        info->iommu_no_x2apic = (flags & DMAR_FLAG_XAPIC) != 0;
    }
    return acpi_iommu_read(info, dmar, DMAR_HEAD, acpi_dmar_entry);
}
