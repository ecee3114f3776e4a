/* SPDX-License-Identifier: MIT */
/*
 * pagetable: the walker. Everything starts with pt_find(), which goes down from the root as far as
 * there are tables: at most PT_LEVELS steps, no recursion, no state between calls.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "mm/pagetable.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define PT_INDEX_BITS 9

/* Where a walk ends: a leaf, or the highest entry that is not present. */
struct pt_spot {
    uint64_t *entry;
    uint32_t level; /* of the table that holds `entry`: 4 at the root, 1 for 4 KiB pages */
};

/*@ logic integer span(integer level) = level == 1 ? 0x1000 : level == 2 ? 0x200000 :
  @   level == 3 ? 0x40000000 : 0x8000000000;
  @*/

/*@ requires 1 <= level <= PT_LEVELS;
  @ assigns \nothing;
  @ ensures \result == 12 + PT_INDEX_BITS * (level - 1);
  @*/
static uint32_t pt_shift(uint32_t level)
{
    return 12 + PT_INDEX_BITS * (level - 1);
}

/* Bytes that one entry of `level` stands for. */
/*@ requires 1 <= level <= PT_LEVELS;
  @ assigns \nothing;
  @ ensures \result == span(level);
  @*/
static uint64_t pt_span(uint32_t level)
{
    return BIT64(pt_shift(level));
}

static uint64_t *pt_entry(hpa_t table, uint64_t from, uint32_t level)
{
    uint64_t *entries = (uint64_t *)(uintptr_t)table.v;
    return &entries[(from >> pt_shift(level)) % PT_ENTRIES];
}

static bool pt_is_table(const struct pt_format *f, uint64_t entry, uint32_t level)
{
    return level > 1 && f->is_present(entry) && !f->is_leaf(entry, level);
}

static struct pt_spot pt_find(const struct pagetable *pt, uint64_t from)
{
    const struct pt_format *f = pt->format;
    uint32_t level = PT_LEVELS;
    uint64_t *entry = pt_entry(pt->root, from, level);

    while (pt_is_table(f, *entry, level)) {
        hpa_t table = f->address(*entry, level);
        level--;
        entry = pt_entry(table, from, level);
    }
    return (struct pt_spot){.entry = entry, .level = level};
}

/* Hangs empty tables below a spot that is not present until it stands at `level`. */
static enum status pt_grow(struct pagetable *pt, uint64_t from, uint32_t level,
                           struct pt_spot *spot)
{
    while (spot->level > level) {
        void *table = pages_get_constant(pt->pages, 1);
        if (table == NULL)
            return FAIL(E_NOMEM, "%s: no page left for a table", pt->format->name);
        hpa_t address = hpa((uintptr_t)table);
        *spot->entry = pt->format->make_table(address, spot->level);
        spot->level--;
        spot->entry = pt_entry(address, from, spot->level);
    }
    return OK;
}

/* The largest leaf for what is left to map, below what is there already. */
/*@ requires 1 <= level <= PT_LEVELS && size >= PAGE_SIZE;
  @ requires from % PAGE_SIZE == 0 && to.v % PAGE_SIZE == 0;
  @ assigns \nothing;
  @ ensures 1 <= \result <= level;
  @ ensures from % span(\result) == 0 && to.v % span(\result) == 0;
  @ ensures span(\result) <= size;
  @*/
static uint32_t pt_leaf_level(uint32_t level, uint64_t from, hpa_t to, uint64_t size)
{
    /*@ loop invariant 1 <= level <= \at(level, Pre);
      @ loop assigns level;
      @ loop variant level;
      @*/
    while (level > 1 &&
           (from % pt_span(level) != 0 || to.v % pt_span(level) != 0 || size < pt_span(level)))
        level--;
    return level;
}

/*@ requires \valid_read(pt) && \valid_read(pt->format);
  @ assigns \nothing;
  @ ensures \result == OK ==> size > 0 && ((from | to.v | size) & (PAGE_SIZE - 1)) == 0 &&
  @   from + size <= PT_INPUT_MAX && to.v + size <= PT_OUTPUT_MAX;
  @*/
static enum status pt_check(const struct pagetable *pt, uint64_t from, hpa_t to, uint64_t size)
{
    const char *name = pt->format->name;

    if (size == 0 || !is_aligned(from | to.v | size, PAGE_SIZE))
        return FAIL(E_INVALID, "%s: 0x%lx bytes from 0x%lx to 0x%lx are not whole pages", name,
                    size, from, to.v);
    if (size > PT_INPUT_MAX || from > PT_INPUT_MAX - size || to.v > PT_OUTPUT_MAX - size)
        return FAIL(E_RANGE, "%s: 0x%lx bytes from 0x%lx to 0x%lx end too high", name, size, from,
                    to.v);
    return OK;
}

enum status pt_create(struct pagetable *pt, const struct pt_format *format, uint32_t leaf_level_max,
                      struct pages *pages)
{
    void *root = pages_get_constant(pages, 1);

    if (root == NULL)
        return FAIL(E_NOMEM, "%s: no page left for a root", format->name);
    *pt = (struct pagetable){.format = format,
                             .leaf_level_max = leaf_level_max,
                             .pages = pages,
                             .root = hpa((uintptr_t)root)};
    return OK;
}

/* Leaves side by side in the spot's table, as many as are free and stand for what is left to map,
 * at least one. A larger leaf could only begin where the table ends. Returns the bytes mapped. */
static uint64_t pt_fill(const struct pt_format *f, const struct pt_spot *spot, uint64_t from,
                        hpa_t to, uint64_t size, uint32_t rights, enum pt_memory memory)
{
    const uint64_t span = pt_span(spot->level);
    const uint64_t table_end = (from / span | (PT_ENTRIES - 1)) * span + span;
    const uint64_t room = min_u64(size, table_end - from);
    uint64_t done = 0;

    for (uint64_t *entry = spot->entry; span <= room - done && !f->is_present(*entry); entry++) {
        *entry = f->make_leaf(hpa(to.v + done), spot->level, rights, memory);
        done += span;
    }
    return done;
}

enum status pt_map(struct pagetable *pt, uint64_t from, hpa_t to, uint64_t size, uint32_t rights,
                   enum pt_memory memory)
{
    const struct pt_format *f = pt->format;
    enum status s = pt_check(pt, from, to, size);

    if (s != OK)
        return s;
    while (size > 0) {
        struct pt_spot spot = pt_find(pt, from);
        if (f->is_present(*spot.entry))
            return FAIL(E_OVERLAP, "%s: 0x%lx is already mapped", f->name, from);
        uint32_t highest = (uint32_t)min_u64(pt->leaf_level_max, spot.level);
        uint32_t level = pt_leaf_level(highest, from, to, size);
        s = pt_grow(pt, from, level, &spot);
        if (s != OK)
            return s;
        const uint64_t done = pt_fill(f, &spot, from, to, size, rights, memory);

        from += done;
        to.v += done;
        size -= done;
    }
    return OK;
}

/* The entry of the 4 KiB page at `from`; NULL, said in the log, where there is none. */
static uint64_t *pt_page_entry(const struct pagetable *pt, uint64_t from)
{
    const struct pt_format *f = pt->format;
    const struct pt_spot spot = pt_find(pt, from);

    if (f->is_present(*spot.entry) && spot.level == 1)
        return spot.entry;
    (void)FAIL(E_INVALID, "%s: 0x%lx is not mapped as a 4 KiB page", f->name, from);
    return NULL;
}

enum status pt_unmap(struct pagetable *pt, uint64_t from, uint64_t size)
{
    const struct pt_format *f = pt->format;
    enum status s = pt_check(pt, from, hpa(0), size);

    while (s == OK && size > 0) {
        const struct pt_spot spot = pt_find(pt, from);
        const uint64_t span = pt_span(spot.level);
        if (!f->is_present(*spot.entry) || from % span != 0 || size < span)
            return FAIL(E_INVALID, "%s: 0x%lx is not mapped, or only as part of a larger page",
                        f->name, from);
        *spot.entry = 0;
        from += span;
        size -= span;
    }
    return s;
}

enum status pt_protect(struct pagetable *pt, uint64_t from, uint64_t size, uint32_t rights,
                       enum pt_memory memory)
{
    const struct pt_format *f = pt->format;
    enum status s = pt_check(pt, from, hpa(0), size);

    for (uint64_t done = 0; s == OK && done < size; done += PAGE_SIZE) {
        uint64_t *entry = pt_page_entry(pt, from + done);
        if (!entry)
            return E_INVALID;
        *entry = f->make_leaf(f->address(*entry, 1), 1, rights, memory);
    }
    return s;
}

enum status pt_reserve(struct pagetable *pt, uint64_t from, uint32_t level, uint64_t **entry)
{
    ASSERT(level >= 1 && level <= 3 && from < PT_INPUT_MAX && is_aligned(from, pt_span(level)));
    struct pt_spot spot = pt_find(pt, from);
    if (pt->format->is_present(*spot.entry) || spot.level < level)
        return FAIL(E_OVERLAP, "%s: 0x%lx is already in use", pt->format->name, from);
    enum status s = pt_grow(pt, from, level, &spot);
    if (s != OK)
        return s;
    *entry = spot.entry;
    return OK;
}
