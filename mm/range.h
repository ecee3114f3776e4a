/* SPDX-License-Identifier: MIT */
/*
 * range: arithmetic on [base, base + size) that cannot overflow. Pure.
 */
#pragma once

#include "lib/types.h"

/* base + size may be exactly 2^64 but never beyond; size 0 is the empty range. */
struct range {
    uint64_t base; /* bytes */
    uint64_t size; /* bytes */
};

/* Does not wrap. Every other function requires it of its arguments. */
bool range_valid(struct range r);

/* `inner` lies whole in `outer`; an empty `inner` lies anywhere. */
bool range_contains(struct range outer, struct range inner);

/* At least one byte in common. */
bool range_overlaps(struct range a, struct range b);

/* The common part; size 0 when there is none. */
struct range range_intersect(struct range a, struct range b);

/*
 * First place in `within` for `size` bytes (> 0) at `align` (a power of two); false: no room.
 */
MUST_CHECK bool range_fit(struct range within, uint64_t size, uint64_t align, struct range *out);

/* A list of ranges in a fixed array: sorted, disjoint, none empty, none touching the next. */
struct range_list {
    uint32_t count;
    uint32_t max;
    struct range *rows;
};

/*
 * Removes `hole` from all rows, splitting where needed; false when that would need more than `max`
 * rows (the list is then unchanged).
 */
MUST_CHECK bool range_list_remove(struct range_list *list, struct range hole);

/*
 * Adds a range, keeps the order, merges with neighbours that touch; false when it overlaps a row or
 * would need more than `max` rows (the list is then unchanged).
 */
MUST_CHECK bool range_list_add(struct range_list *list, struct range r);
