/* SPDX-License-Identifier: MIT */
/*
 * hostmap: the bits of our own paging-structure entries, and what goes where. Touches no register:
 * that is mm/host.c.
 */
#include "mm/hostmap.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"

/* SDM "4-Level Paging and 5-Level Paging", its tables "Format of a ... Entry". */
#define HOST_P       BIT64(0)
#define HOST_RW      BIT64(1)
#define HOST_US      BIT64(2)
#define HOST_PWT     BIT64(3)
#define HOST_PCD     BIT64(4)
#define HOST_A       BIT64(5)
#define HOST_D       BIT64(6)
#define HOST_PS      BIT64(7) /* a leaf, at level 2; at level 1 bit 7 would be PAT */
#define HOST_XD      BIT64(63)
#define HOST_ADDRESS MASK64(51, 12)

#define HOST_SHARED_END (UINT64_C(1) << 47)
#define HOST_LEAF_MAX   2 /* 2 MiB; every long-mode CPU has them */

_Static_assert((HOST_PRIVATE >> 39) % PT_ENTRIES == HOST_PRIVATE_SLOT, "slot: bits 47..39");
_Static_assert(HOST_PRIVATE >> 47 == 0x1ffff, "canonical: bits 63..48 repeat bit 47");
_Static_assert(HOST_SHARED_SLOTS *(UINT64_C(1) << 39) == HOST_SHARED_END, "one slot: 512 GiB");
_Static_assert(HOST_STACK_STRIDE >= (HOST_STACK_PAGES + 1) * PAGE_SIZE, "room for a guard page");
_Static_assert(HOST_WINDOW % GIB == 0, "the window is the first entry of a level-2 table");
_Static_assert(STACK_COUNT *HOST_STACK_STRIDE <= HOST_WINDOW - HOST_PRIVATE, "stacks fit");

/* An entry names only PWT and PCD, so that the PAT index is 0..3 and bit 7 or 12 stays clear. */
static uint64_t host_memory(enum pt_memory memory)
{
    switch (memory) {
    case PT_WRITE_BACK:
        return 0; /* entry 0 of HOST_PAT */
    case PT_WRITE_COMBINING:
        return HOST_PWT; /* entry 1 */
    case PT_UNCACHED:
        return HOST_PCD | HOST_PWT; /* entry 3 */
    }
    return HOST_PCD | HOST_PWT;
}

/*
 * Accessed and dirty are set from the start: no CPU then ever writes to these tables, and an entry
 * stays comparable with what was put there.
 */
static uint64_t host_table(hpa_t table, uint32_t level)
{
    (void)level;
    ASSERT((table.v & ~HOST_ADDRESS) == 0);
    return table.v | HOST_P | HOST_RW | HOST_A;
}

uint64_t host_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory)
{
    ASSERT(level == 1 || level == 2);
    ASSERT((address.v & ~MASK64(51, 12 + 9 * (level - 1))) == 0);
    ASSERT((rights & PT_R) != 0 && (rights & ~(uint32_t)(PT_R | PT_W | PT_X)) == 0);
    ASSERT((rights & PT_W) == 0 || (rights & PT_X) == 0);
    return address.v | HOST_P | HOST_A | host_memory(memory) |
           ((rights & PT_W) != 0 ? HOST_RW | HOST_D : 0) | ((rights & PT_X) != 0 ? 0 : HOST_XD) |
           (level == 2 ? HOST_PS : 0);
}

static bool host_is_present(uint64_t entry)
{
    return (entry & HOST_P) != 0;
}

static bool host_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (level < PT_LEVELS && (entry & HOST_PS) != 0);
}

/* In our large leaves the bits from 12 to their size are zero. */
static hpa_t host_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & HOST_ADDRESS);
}

static uint32_t host_rights(uint64_t entry)
{
    return PT_R | ((entry & HOST_RW) != 0 ? PT_W : 0u) | ((entry & HOST_XD) != 0 ? 0u : PT_X) |
           ((entry & HOST_US) != 0 ? PT_USER : 0u);
}

const struct pt_format host_format = {
    .name = "host map",
    .make_table = host_table,
    .make_leaf = host_leaf,
    .is_present = host_is_present,
    .is_leaf = host_is_leaf,
    .address = host_address,
    .rights = host_rights,
};

enum status host_map_create(struct host_map *map, struct pages *pages)
{
    map->complete = false;
    return pt_create(&map->shared, &host_format, HOST_LEAF_MAX, pages);
}

static enum status host_map_add_as(struct host_map *map, uint32_t leaf_level_max, struct range what,
                                   uint32_t rights, enum pt_memory memory)
{
    struct range all = {.base = 0, .size = HOST_SHARED_END};
    struct pagetable shared = map->shared;
    uint64_t end;

    ASSERT(!map->complete);
    if (what.size == 0)
        return OK;
    if (!range_contains(all, what) || !align_up(what.base + what.size, PAGE_SIZE, &end))
        return FAIL(E_RANGE, "host map: 0x%lx bytes at 0x%lx end above 2^47", what.size, what.base);
    uint64_t base = align_down(what.base, PAGE_SIZE);
    if (base == 0)
        return FAIL(E_INVALID, "host map: page 0 stays unmapped");
    shared.leaf_level_max = leaf_level_max;
    return pt_map(&shared, base, hpa(base), end - base, rights, memory);
}

enum status host_map_add(struct host_map *map, uint64_t base, uint64_t size, uint32_t rights,
                         enum pt_memory memory)
{
    struct range what = {.base = base, .size = size};
    return host_map_add_as(map, HOST_LEAF_MAX, what, rights, memory);
}

enum status host_map_add_small(struct host_map *map, uint64_t base, uint64_t size, uint32_t rights,
                               enum pt_memory memory)
{
    struct range what = {.base = base, .size = size};
    return host_map_add_as(map, 1, what, rights, memory);
}

enum status host_map_remove(struct host_map *map, uint64_t base, uint64_t size)
{
    return size ? pt_unmap(&map->shared, base, size) : OK;
}

enum status host_map_make_constant(struct host_map *map, struct range what)
{
    return what.size ? pt_protect(&map->shared, what.base, what.size, PT_R, PT_WRITE_BACK) : OK;
}

/* The walker knows the 48 bits that are translated, not the copies of bit 47 above them. */
static uint64_t host_translated(uint64_t address)
{
    return address & (PT_INPUT_MAX - 1);
}

/* pages_get() zeroes through the identity map, so the pages leave it only afterwards. */
static enum status host_add_stack(struct pagetable *own, struct host_map *map, struct pages *pages,
                                  enum host_stack stack)
{
    const uint64_t size = HOST_STACK_PAGES * PAGE_SIZE;
    void *memory = pages_get(pages, HOST_STACK_PAGES, PAGE_SIZE);

    if (memory == NULL)
        return FAIL(E_NOMEM, "no pages left for a stack");
    uint64_t address = (uintptr_t)memory;
    enum status s = pt_unmap(&map->shared, address, size);
    if (s != OK)
        return s;
    return pt_map(own, host_translated(host_stack_top(stack) - size), hpa(address), size,
                  PT_R | PT_W, PT_WRITE_BACK);
}

/*
 * The level-2 table of the window is the one table that changes after launch, so it lies among the
 * data. Whatever is written to it, nothing below it can be executed.
 */
static enum status host_add_window(struct host_core *core, struct pagetable *own,
                                   struct pages *pages)
{
    uint64_t *entry;
    enum status s = pt_reserve(own, host_translated(HOST_WINDOW), 3, &entry);
    uint64_t *table = pages_get(pages, 1, PAGE_SIZE);

    if (s != OK)
        return s;
    if (table == NULL)
        return FAIL(E_NOMEM, "no page left for the window");
    *entry = host_table(hpa((uintptr_t)table), PT_LEVELS) | HOST_XD;
    core->window_entry = table;
    return OK;
}

enum status host_core_build(struct host_core *core, struct host_map *map, struct pages *pages)
{
    struct pagetable own;
    enum status s = pt_create(&own, &host_format, HOST_LEAF_MAX, pages);

    if (s != OK)
        return s;
    map->complete = true; /* a top-level entry added later would be missing from this copy */
    memcpy((void *)(uintptr_t)own.root.v, (const void *)(uintptr_t)map->shared.root.v,
           HOST_SHARED_SLOTS * sizeof(uint64_t));
    for (uint32_t i = 0; i < STACK_COUNT; i++) {
        s = host_add_stack(&own, map, pages, (enum host_stack)i);
        if (s != OK)
            return s;
    }
    core->root = own.root;
    return host_add_window(core, &own, pages);
}

hpa_t host_map_join(struct host_map *map, const struct host_core *core)
{
    uint64_t *to = (uint64_t *)(uintptr_t)map->shared.root.v;
    const uint64_t *from = (const uint64_t *)(uintptr_t)core->root.v;

    map->complete = true;
    to[HOST_PRIVATE_SLOT] = from[HOST_PRIVATE_SLOT];
    return map->shared.root;
}
