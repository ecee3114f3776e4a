/* SPDX-License-Identifier: MIT */
/*
 * acpi_srat: which memory is near to which cores. ACPI Specification "System Resource Affinity
 * Table (SRAT)". Proximity domains are any 32-bit numbers; nodes count from 0 in their order. A
 * table that contradicts itself or leaves a core out counts for nothing: half of the truth would
 * send guests to the wrong memory.
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"
#include "lib/string.h"

#define SRAT_HEAD    48 /* the header, 4 and 8 reserved bytes */
#define SRAT_ENABLED BIT32(0)
#define SRAT_WIDE    2 /* from this revision on a domain has 32 bits, before that 8 */

enum srat_type { SRAT_LAPIC = 0, SRAT_MEMORY = 1, SRAT_X2APIC = 2 };

struct srat_lapic {
    uint8_t type, length, domain_low, apic_id;
    uint32_t flags;
    uint8_t sapic_eid, domain_high[3];
    uint32_t clock_domain;
} PACKED;
_Static_assert(sizeof(struct srat_lapic) == 16, "Processor Local APIC/SAPIC Affinity Structure");

struct srat_memory {
    uint8_t type, length;
    uint32_t domain;
    uint16_t reserved;
    uint64_t base, size;
    uint32_t reserved2;
    uint32_t flags;
    uint64_t reserved3;
} PACKED;
_Static_assert(sizeof(struct srat_memory) == 40, "Memory Affinity Structure");

struct srat_x2apic {
    uint8_t type, length;
    uint16_t reserved;
    uint32_t domain, apic_id, flags, clock_domain, reserved2;
} PACKED;
_Static_assert(sizeof(struct srat_x2apic) == 24, "Processor Local x2APIC Affinity Structure");

/* What an entry says, of whatever type it is. */
struct srat_fact {
    uint32_t domain;
    uint32_t apic_id;
    uint64_t base, size; /* size 0: it is about a core */
};

/* A step of acpi_srat_read(), called with each fact. Returns what is wrong with it. */
typedef const char *srat_step(struct acpi_info *info, const struct srat_fact *fact);

#define NOT_LISTED ACPI_NODES_MAX /* as the node of a core */
_Static_assert(NOT_LISTED <= UINT8_MAX, "it fits in core_nodes[]");

/* ---------------------------------------------------------------------- an entry */

/* Takes one enabled entry; a fact with no core and no memory, which says nothing, is not given on.
 */
static const char *srat_read_entry(const struct acpi_table *srat, uint32_t at, uint8_t length,
                                   bool wide, struct srat_fact *fact, bool *says)
{
    union {
        uint8_t type;
        struct srat_lapic lapic;
        struct srat_memory memory;
        struct srat_x2apic x2apic;
    } e;
    uint32_t wanted, flags = 0;

    *says = false;
    if (!acpi_table_copy(srat, at, &e.type, 1))
        return "has an entry that is too short";
    const uint8_t type = e.type;
    if (type == SRAT_LAPIC)
        wanted = sizeof(e.lapic);
    else if (type == SRAT_MEMORY)
        wanted = sizeof(e.memory);
    else if (type == SRAT_X2APIC)
        wanted = sizeof(e.x2apic);
    else
        return NULL; /* devices, caches, other architectures */
    if (length < wanted || !acpi_table_copy(srat, at, &e, wanted))
        return "has an entry that is too short";

    if (type == SRAT_LAPIC) {
        flags = e.lapic.flags;
        *fact = (struct srat_fact){e.lapic.domain_low, e.lapic.apic_id, 0, 0};
        for (uint32_t i = 0; i < sizeof(e.lapic.domain_high); i++)
            fact->domain |= (uint32_t)e.lapic.domain_high[i] << (8 + 8 * i);
    } else if (type == SRAT_MEMORY) {
        flags = e.memory.size == 0 ? 0 : e.memory.flags;
        *fact = (struct srat_fact){e.memory.domain, 0, e.memory.base, e.memory.size};
    } else {
        flags = e.x2apic.flags;
        *fact = (struct srat_fact){e.x2apic.domain, e.x2apic.apic_id, 0, 0};
    }
    if (!wide)
        fact->domain &= UINT8_MAX;
    *says = (flags & SRAT_ENABLED) != 0;
    return NULL;
}

static const char *srat_walk(struct acpi_info *info, const struct acpi_table *srat, srat_step *step)
{
    struct acpi_header header;
    uint8_t head[2]; /* of an entry: type, length */
    const char *why = NULL;

    if (srat->length < SRAT_HEAD || !acpi_table_copy(srat, 0, &header, sizeof(header)))
        return "is shorter than its fixed part";
    for (uint32_t at = SRAT_HEAD; at < srat->length && why == NULL; at += head[1]) {
        struct srat_fact fact;
        bool says;

        if (!acpi_table_copy(srat, at, head, sizeof(head)) || head[1] < sizeof(head) ||
            head[1] > srat->length - at)
            return "has an entry of invalid length";
        why = srat_read_entry(srat, at, head[1], header.revision >= SRAT_WIDE, &fact, &says);
        if (why == NULL && says)
            why = step(info, &fact);
    }
    return why;
}

/* ---------------------------------------------------------------------- the first pass */

/* Where a domain is in the list, or would be. */
static uint32_t srat_find(const struct acpi_info *info, uint32_t domain)
{
    uint32_t at = 0;

    while (at < info->node_count && info->domains[at] < domain)
        at++;
    return at;
}

static bool srat_knows(const struct acpi_info *info, uint32_t domain, uint32_t at)
{
    return at < info->node_count && info->domains[at] == domain;
}

static const char *srat_note_domain(struct acpi_info *info, const struct srat_fact *fact)
{
    const uint32_t at = srat_find(info, fact->domain);

    if (srat_knows(info, fact->domain, at))
        return NULL;
    if (info->node_count == ACPI_NODES_MAX)
        return "has more than 64 domains";
    for (uint32_t i = info->node_count++; i > at; i--)
        info->domains[i] = info->domains[i - 1];
    info->domains[at] = fact->domain;
    return NULL;
}

/* ---------------------------------------------------------------------- the second pass */

/* A core that the MADT does not list cannot be started: where it is does not matter. */
static const char *srat_place_core(struct acpi_info *info, uint32_t apic_id, uint32_t node)
{
    for (uint32_t i = 0; i < info->core_count; i++) {
        if (info->cores[i].apic_id != apic_id)
            continue;
        if (info->core_nodes[i] != NOT_LISTED && info->core_nodes[i] != node)
            return "lists a core in two domains";
        info->core_nodes[i] = (uint8_t)node;
    }
    return NULL;
}

static void srat_drop_row(struct acpi_info *info, uint32_t row)
{
    info->near_count--;
    for (uint32_t i = row; i < info->near_count; i++)
        info->near[i] = info->near[i + 1];
}

/* `low` ends before `high` begins, or where it does but in another node. */
static bool srat_is_apart(const struct acpi_near *low, const struct acpi_near *high)
{
    const uint64_t end = low->base + low->size;

    return end < high->base || (end == high->base && low->node != high->node);
}

/* Keeps the rows sorted and disjoint; what touches or repeats memory of the same node is one row
 * with it. */
static const char *srat_place_memory(struct acpi_info *info, struct acpi_near new)
{
    uint32_t at = 0;

    if (!is_aligned(new.base, PAGE_SIZE) || !is_aligned(new.size, PAGE_SIZE) ||
        new.base >= UINT64_MAX - new.size)
        return "has memory that makes no sense";
    while (at < info->near_count) {
        const struct acpi_near row = info->near[at];

        if (srat_is_apart(&row, &new)) {
            at++;
            continue;
        }
        if (srat_is_apart(&new, &row))
            break;
        if (row.node != new.node)
            return "lists memory in two domains";
        const uint64_t end = max_u64(row.base + row.size, new.base + new.size);
        new.base = min_u64(row.base, new.base);
        new.size = end - new.base;
        srat_drop_row(info, at);
    }
    if (info->near_count == ACPI_NEAR_MAX)
        return "has memory in more than 64 pieces";
    for (uint32_t i = info->near_count++; i > at; i--)
        info->near[i] = info->near[i - 1];
    info->near[at] = new;
    return NULL;
}

static const char *srat_place(struct acpi_info *info, const struct srat_fact *fact)
{
    const uint32_t node = srat_find(info, fact->domain);

    if (!srat_knows(info, fact->domain, node))
        return "changes while it is read";
    if (fact->size == 0)
        return srat_place_core(info, fact->apic_id, node);
    return srat_place_memory(info, (struct acpi_near){fact->base, fact->size, node});
}

/* ---------------------------------------------------------------------- the table */

static void srat_forget(struct acpi_info *info)
{
    info->node_count = 0;
    info->near_count = 0;
    memset(info->core_nodes, 0, sizeof(info->core_nodes));
}

static const char *srat_read(struct acpi_info *info, const struct acpi_table *srat)
{
    const char *why = srat_walk(info, srat, srat_note_domain);

    memset(info->core_nodes, NOT_LISTED, sizeof(info->core_nodes));
    if (why == NULL)
        why = srat_walk(info, srat, srat_place);
    for (uint32_t i = 0; i < info->core_count && why == NULL; i++)
        if (info->core_nodes[i] == NOT_LISTED)
            why = "leaves out a core that can be started";
    return why;
}

bool acpi_srat_read(struct acpi_info *info, const struct acpi_table *srat)
{
    const char *why = srat_read(info, srat);

    if (why != NULL) {
        acpi_table_complain(srat, why);
        acpi_table_complain(srat, "is not used: all memory counts as near to every core");
    }
    if (why != NULL || info->node_count < 2)
        srat_forget(info);
    return why == NULL;
}
