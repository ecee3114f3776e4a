/* SPDX-License-Identifier: MIT */
/*
 * range: arithmetic on [base, base + size) that cannot overflow. The end of a range may be 2^64,
 * which no integer here can hold: comparisons are made on distances and on last bytes. Pure.
 */
#include "mm/range.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"

/* Only of a range that is not empty. */
static uint64_t range_last(struct range r)
{
    return r.base + (r.size - 1);
}

static struct range range_between(uint64_t first, uint64_t last)
{
    return (struct range){.base = first, .size = last - first + 1};
}

bool range_valid(struct range r)
{
    return range_ok(r.base, r.size);
}

bool range_contains(struct range outer, struct range inner)
{
    if (inner.size == 0)
        return true;
    return inner.base >= outer.base && inner.size <= outer.size &&
           inner.base - outer.base <= outer.size - inner.size;
}

bool range_overlaps(struct range a, struct range b)
{
    if (a.size == 0 || b.size == 0)
        return false;
    return a.base <= range_last(b) && b.base <= range_last(a);
}

struct range range_intersect(struct range a, struct range b)
{
    if (!range_overlaps(a, b))
        return (struct range){0};
    return range_between(max_u64(a.base, b.base), min_u64(range_last(a), range_last(b)));
}

bool range_fit(struct range within, uint64_t size, uint64_t align, struct range *out)
{
    uint64_t base;

    ASSERT(size > 0 && is_power_of_two(align));
    if (!align_up(within.base, align, &base))
        return false;
    struct range place = {.base = base, .size = size};
    if (!range_contains(within, place))
        return false;
    *out = place;
    return true;
}

/* Replaces `gone` rows at `at` by `put` rows; the caller has checked that they fit. */
static void range_list_splice(struct range_list *list, uint32_t at, uint32_t gone,
                              const struct range *rows, uint32_t put)
{
    memmove(list->rows + at + put, list->rows + at + gone,
            (list->count - at - gone) * sizeof(*list->rows));
    for (uint32_t i = 0; i < put; i++)
        list->rows[at + i] = rows[i];
    list->count = list->count - gone + put;
}

bool range_list_remove(struct range_list *list, struct range hole)
{
    uint32_t first = 0;
    uint32_t end;
    struct range rest[2]; /* what stays of the first and of the last row hit */
    uint32_t rests = 0;

    while (first < list->count && !range_overlaps(list->rows[first], hole))
        first++;
    for (end = first; end < list->count && range_overlaps(list->rows[end], hole);)
        end++;
    if (first == end)
        return true;

    struct range low = list->rows[first];
    struct range high = list->rows[end - 1];
    if (low.base < hole.base)
        rest[rests++] = range_between(low.base, hole.base - 1);
    if (range_last(high) > range_last(hole))
        rest[rests++] = range_between(range_last(hole) + 1, range_last(high));
    if (list->count - (end - first) + rests > list->max)
        return false;
    range_list_splice(list, first, end - first, rest, rests);
    return true;
}

bool range_list_add(struct range_list *list, struct range r)
{
    uint32_t at = 0;
    uint32_t gone = 0;

    if (r.size == 0)
        return true;
    while (at < list->count && range_last(list->rows[at]) < r.base)
        at++;
    if (at < list->count && range_overlaps(list->rows[at], r))
        return false;

    /* From here on: rows before `at` end below r, rows from `at` on begin above it. */
    if (at < list->count && list->rows[at].base - 1 == range_last(r)) {
        r = range_between(r.base, range_last(list->rows[at]));
        gone = 1;
    }
    if (at > 0 && range_last(list->rows[at - 1]) + 1 == r.base) {
        r = range_between(list->rows[at - 1].base, range_last(r));
        at--;
        gone++;
    }
    if (r.size == 0) /* all 2^64 bytes: more than a size can say */
        return false;
    if (list->count - gone + 1 > list->max)
        return false;
    range_list_splice(list, at, gone, &r, 1);
    return true;
}
