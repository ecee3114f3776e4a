/* SPDX-License-Identifier: MIT */
/*
 * nested_ram: the map of a guest as partitions make it, in a format of nested tables. Who includes
 * this has named that: NESTED_FORMAT.
 */
#pragma once

#include "support.h"

#include "tests/unit/pagetable_look.h"

#define POOL_PAGES 64

static void *pool_bytes;

static void pool_make(struct pages *p)
{
    struct range pool = {.base = (uintptr_t)pool_bytes, .size = POOL_PAGES * PAGE_SIZE};
    pages_init(p, pool);
}

/* An entry that is not present is 0: no address is left for a processor that speculates on it. */
static void check_absent_entries(const struct pages *p)
{
    const struct range tables = pages_constant(p);
    const uint64_t *entries = (const uint64_t *)(uintptr_t)tables.base;

    assert_true(tables.size > 0);
    for (size_t i = 0; i < tables.size / sizeof(*entries); i++)
        assert_true(NESTED_FORMAT.is_present(entries[i]) || entries[i] == 0);
}

/* Guest RAM from 0, host memory 2 MiB-aligned: with and without 1 GiB leaves. */
/* abuse: EP-23, EP-17 */
static void test_guest_ram(void **state)
{
    static const struct {
        uint32_t leaf_level_max;
        uint64_t host, size;
        uint64_t leaf_first, leaf_last, tables;
    } cases[] = {
        {3, 0x100000000, 2 * GIB, PAGE_SIZE_1G, PAGE_SIZE_1G, 2},
        {2, 0x100000000, 2 * GIB, PAGE_SIZE_2M, PAGE_SIZE_2M, 4},
        {3, 0x100200000, 2 * GIB, PAGE_SIZE_2M, PAGE_SIZE_2M, 4},
        {3, 0x100000000, GIB + 16 * MIB, PAGE_SIZE_1G, PAGE_SIZE_2M, 3},
        {3, 0x100000000, 16 * MIB + PAGE_SIZE, PAGE_SIZE_2M, PAGE_SIZE, 4},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pages p;
        struct pagetable pt;
        struct pt_leaf leaf;
        pool_make(&p);
        assert_int_equal(pt_create(&pt, &NESTED_FORMAT, cases[i].leaf_level_max, &p), OK);
        assert_int_equal(
            pt_map(&pt, 0, hpa(cases[i].host), cases[i].size, PT_R | PT_W | PT_X, PT_WRITE_BACK),
            OK);
        assert_true(pt_look(&pt, 0, &leaf));
        assert_int_equal(leaf.size, cases[i].leaf_first);
        assert_int_equal(leaf.address.v, cases[i].host);
        assert_true(pt_look(&pt, cases[i].size - 1, &leaf));
        assert_int_equal(leaf.size, cases[i].leaf_last);
        assert_int_equal(leaf.address.v + leaf.size, cases[i].host + cases[i].size);
        assert_false(pt_look(&pt, cases[i].size, &leaf));
        assert_int_equal(POOL_PAGES - pages_left(&p), cases[i].tables);
        check_absent_entries(&p);

        struct range below = {.base = 0, .size = cases[i].host};
        struct range last = {.base = cases[i].host + cases[i].size - 1, .size = 1};
        assert_false(pt_maps_physical(&pt, below));
        assert_true(pt_maps_physical(&pt, last));
    }
}

/* A hole of one page, as for the APIC, inside what would be one large leaf. */
static void test_hole(void **state)
{
    struct pages p;
    struct pagetable pt;
    struct pt_leaf leaf;
    const uint64_t hole = 0xfee00000;
    (void)state;
    pool_make(&p);
    assert_int_equal(pt_create(&pt, &NESTED_FORMAT, 3, &p), OK);
    assert_int_equal(pt_map(&pt, 0, hpa(4 * GIB), hole, PT_R | PT_W, PT_WRITE_BACK), OK);
    assert_int_equal(pt_map(&pt, hole + PAGE_SIZE, hpa(4 * GIB + hole + PAGE_SIZE), PAGE_SIZE_2M,
                            PT_R | PT_W, PT_WRITE_BACK),
                     OK);
    assert_false(pt_look(&pt, hole, &leaf));
    assert_false(pt_look(&pt, hole + PAGE_SIZE - 1, &leaf));
    assert_true(pt_look(&pt, hole - 1, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE_2M);
    assert_true(pt_look(&pt, hole + PAGE_SIZE, &leaf));
    assert_int_equal(leaf.size, PAGE_SIZE);
    struct range host_hole = {.base = 4 * GIB + hole, .size = PAGE_SIZE};
    assert_false(pt_maps_physical(&pt, host_hole));
}

static int pool_allocate(void **state)
{
    (void)state;
    pool_bytes = aligned_alloc(PAGE_SIZE, POOL_PAGES * PAGE_SIZE);
    return pool_bytes == NULL;
}

static int pool_free(void **state)
{
    (void)state;
    free(pool_bytes);
    return 0;
}
