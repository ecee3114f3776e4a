/* SPDX-License-Identifier: MIT */
/*
 * ranges: sorts the edges of all descriptors and sweeps over them once, counting how many of each
 * kind are open. Heap sort, because thousands of entries come in any order and the loader has
 * neither recursion depth nor scratch memory to spare. Pure.
 */
#include "boot/ranges.h"

#include "lib/bits.h"

#define RANGES_KINDS     (BOOT_RAM_BAD + 1)
#define RANGES_END       (BIT64(52))      /* page number just past the address space */
#define RANGES_LAST_PAGE (RANGES_END - 1) /* not listed, so that no base + size overflows */

bool ranges_add(struct ranges *r, uint64_t base, uint64_t pages, enum boot_ram_kind kind)
{
    bool inside = is_aligned(base, PAGE_SIZE); /* false: shares its first and last page */
    uint64_t first = base / PAGE_SIZE;
    uint64_t end;

    if (kind < BOOT_RAM_FREE || kind > BOOT_RAM_BAD)
        return false;
    if (pages == 0)
        return true;
    if (pages > RANGES_END - first - (inside ? 0 : 1)) {
        if (kind == BOOT_RAM_FREE)
            return true;
        end = RANGES_END;
    } else if (inside) {
        end = first + pages;
    } else if (kind == BOOT_RAM_FREE) {
        end = first + pages;
        first++;
    } else {
        end = first + pages + 1;
    }
    if (first >= end)
        return true;
    if (r->capacity - r->count < 2)
        return false;
    r->edges[r->count++] = (struct ranges_edge){.page = first, .kind = kind, .opens = true};
    r->edges[r->count++] = (struct ranges_edge){.page = end, .kind = kind, .opens = false};
    return true;
}

/* Restores the heap (largest page on top) below `at`, in the first `count` edges. */
static void ranges_sift(struct ranges_edge *edges, size_t at, size_t count)
{
    struct ranges_edge moving = edges[at];

    for (;;) {
        size_t child = 2 * at + 1;

        if (child >= count)
            break;
        if (child + 1 < count && edges[child + 1].page > edges[child].page)
            child++;
        if (edges[child].page <= moving.page)
            break;
        edges[at] = edges[child];
        at = child;
    }
    edges[at] = moving;
}

/* By page only: edges at one page are all applied before anybody looks at the result. */
static void ranges_sort(struct ranges_edge *edges, size_t count)
{
    for (size_t i = count / 2; i > 0; i--)
        ranges_sift(edges, i - 1, count);
    for (size_t left = count; left > 1; left--) {
        struct ranges_edge largest = edges[0];

        edges[0] = edges[left - 1];
        edges[left - 1] = largest;
        ranges_sift(edges, 0, left - 1);
    }
}

/* The most restrictive kind with an open descriptor, or 0 in a gap. */
static uint32_t ranges_kind(const uint64_t open[RANGES_KINDS])
{
    uint32_t kind = BOOT_RAM_BAD;

    while (kind > 0 && open[kind] == 0)
        kind--;
    return kind;
}

/* Appends [first, end) pages of `kind`; returns the new length of the list. */
static size_t ranges_emit(struct boot_range *out, size_t n, uint64_t first, uint64_t end,
                          uint32_t kind)
{
    end = min_u64(end, RANGES_LAST_PAGE);
    if (kind == 0 || first >= end)
        return n;
    out[n] = (struct boot_range){
        .base = first * PAGE_SIZE, .size = (end - first) * PAGE_SIZE, .kind = kind};
    return n + 1;
}

size_t ranges_build(struct ranges *r, struct boot_range *out)
{
    uint64_t open[RANGES_KINDS] = {0};
    uint64_t start = 0;
    uint32_t kind = 0;
    size_t n = 0;

    ranges_sort(r->edges, r->count);
    for (size_t i = 0; i < r->count;) {
        uint64_t page = r->edges[i].page;
        uint32_t now;

        for (; i < r->count && r->edges[i].page == page; i++) {
            if (r->edges[i].opens)
                open[r->edges[i].kind]++;
            else
                open[r->edges[i].kind]--;
        }
        now = ranges_kind(open);
        if (now == kind)
            continue; /* the same kind goes on: this is where neighbours merge */
        n = ranges_emit(out, n, start, page, kind);
        start = page;
        kind = now;
    }
    return n; /* every descriptor has ended, so nothing is left open */
}
