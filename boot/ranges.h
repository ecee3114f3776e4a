/* SPDX-License-Identifier: MIT */
/*
 * ranges: from any pile of memory descriptors to the tidy list that boot_info promises: sorted,
 * page-aligned, not overlapping, neighbours merged. Pure: no firmware types, no allocation.
 *
 * Where descriptors overlap the more restrictive kind wins, that is the one with the larger number
 * in enum boot_ram_kind. The loader's own pages are therefore simply added on top of the
 * firmware's map, as BOOT_RAM_LOADER over BOOT_RAM_FREE.
 */
#pragma once

#include "boot/boot_info.h"

/* Where a descriptor begins or ends; the list of all of them is what ranges_build() sweeps. */
struct ranges_edge {
    uint64_t page; /* address / PAGE_SIZE; 2^52 is the end of the address space */
    uint32_t kind; /* enum boot_ram_kind */
    bool opens;
};

/* Every descriptor takes two edges, and yields at most two ranges. */
#define RANGES_EDGES(descriptors) (2 * (size_t)(descriptors))

struct ranges {
    struct ranges_edge *edges; /* the caller's memory, `capacity` of them */
    size_t capacity;
    size_t count;
};

/*
 * Adds `pages` pages from `base` (bytes). Nothing is trusted: no pages is nothing; a descriptor
 * that wraps is cut at 2^64, and dropped where it claims to be free memory; a base inside a page
 * moves free memory inwards and everything else outwards. Returns false when the edges are used up
 * or `kind` is none of boot_ram_kind.
 */
MUST_CHECK bool ranges_add(struct ranges *r, uint64_t base, uint64_t pages,
                           enum boot_ram_kind kind);

/*
 * Writes the list for all descriptors so far to `out` and returns its length; `out` needs room for
 * r->count entries. The edges are sorted in place. A range's size may not reach 2^64: the last page
 * of the address space is left out.
 */
size_t ranges_build(struct ranges *r, struct boot_range *out);
