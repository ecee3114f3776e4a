/* SPDX-License-Identifier: MIT */
/*
 * pagetable_look: reads finished page tables, as the hypervisor itself never does.
 */
#pragma once

#include "lib/bits.h"
#include "mm/hostmap.h"
#include "mm/pagetable.h"

struct pt_leaf {
    uint64_t from;   /* first byte of the leaf, as it is addressed through the table */
    hpa_t address;   /* what that byte maps to */
    uint64_t size;   /* bytes the leaf covers */
    uint32_t rights; /* enum pt_right, of the leaf and all tables above it together */
};

/* The first leaf or hole from `from` on, which is below PT_INPUT_MAX; true: a leaf. */
static inline bool pt_step(const struct pagetable *pt, uint64_t from, struct pt_leaf *out)
{
    const struct pt_format *f = pt->format;
    uint32_t rights = PT_R | PT_W | PT_X | PT_USER;
    hpa_t table = pt->root;

    for (uint32_t level = PT_LEVELS;; level--) {
        const uint32_t shift = 12 + 9 * (level - 1);
        const uint64_t entry = ((const uint64_t *)(uintptr_t)table.v)[(from >> shift) % PT_ENTRIES];

        *out = (struct pt_leaf){.from = align_down(from, BIT64(shift)), .size = BIT64(shift)};
        if (!f->is_present(entry))
            return false;
        out->rights = rights &= f->rights(entry);
        out->address = f->address(entry, level);
        if (level == 1 || f->is_leaf(entry, level))
            return true;
        table = f->address(entry, level);
    }
}

/* What `from` maps to; false: nothing. */
static inline bool pt_look(const struct pagetable *pt, uint64_t from, struct pt_leaf *out)
{
    return from < PT_INPUT_MAX && pt_step(pt, from, out);
}

/*
 * The first leaf that ends above `from`; false: there is none. All leaves, in order:
 *     for (uint64_t at = 0; pt_next(pt, at, &leaf); at = leaf.from + leaf.size)
 */
static inline bool pt_next(const struct pagetable *pt, uint64_t from, struct pt_leaf *out)
{
    while (from < PT_INPUT_MAX) {
        if (pt_step(pt, from, out))
            return true;
        from = out->from + out->size;
    }
    return false;
}

/* At least one byte of `physical` (of host-physical addresses) can be reached through the table. */
static inline bool pt_maps_physical(const struct pagetable *pt, struct range physical)
{
    struct pt_leaf leaf;

    for (uint64_t at = 0; pt_next(pt, at, &leaf); at = leaf.from + leaf.size) {
        const struct range reached = {.base = leaf.address.v, .size = leaf.size};
        if (range_overlaps(reached, physical))
            return true;
    }
    return false;
}

/* A core's tables. */
static inline struct pagetable host_core_table(const struct host_core *core)
{
    return (struct pagetable){.format = &host_format, .pages = NULL, .root = core->root};
}

/* The last two must be 0. */
struct host_audit {
    uint64_t leaves;
    uint64_t write_execute; /* leaves that are writable and executable at once */
    uint64_t user;          /* leaves that CPL 3 could reach */
};

static inline struct host_audit host_audit(const struct pagetable *pt)
{
    struct host_audit audit = {0};
    struct pt_leaf leaf;

    for (uint64_t at = 0; pt_next(pt, at, &leaf); at = leaf.from + leaf.size) {
        audit.leaves++;
        if ((leaf.rights & PT_W) != 0 && (leaf.rights & PT_X) != 0)
            audit.write_execute++;
        if ((leaf.rights & PT_USER) != 0)
            audit.user++;
    }
    return audit;
}
