/* SPDX-License-Identifier: MIT */
/*
 * tables: questions that tests, on the desk and in the machine, ask of finished page tables.
 */
#pragma once

#include "mm/pagetable.h"
#include "mm/range.h"

/* What `from` maps to; false: nothing. */
static inline bool pt_look(const struct pagetable *pt, uint64_t from, struct pt_leaf *out)
{
    return pt_next(pt, from, out) && out->from <= from;
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
