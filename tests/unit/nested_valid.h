/* SPDX-License-Identifier: MIT */
/*
 * nested_valid: a judge of nested tables, whole: the tables that pt_map() makes are accepted, and
 * no bit of them can be changed without that being seen, except that an entry may be empty. Who
 * includes this has named the judge, its format and two entries' bits:
 *     NESTED_VALID NESTED_FORMAT   NESTED_LEAF: 4 KiB of RAM   NESTED_TABLE
 */
#pragma once

#include "support.h"

#include "lib/bits.h"
#include "mm/guest_map.h"

#define POOL_PAGES 16
#define RWX        (PT_R | PT_W | PT_X)

static uint64_t *pool_words;
static struct pages pool;
static struct pagetable pt;
static struct range tables;
static struct guest_map map;

static bool is_valid(void)
{
    return NESTED_VALID(&map, tables, pt.root);
}

/* Tables of `map`, as build_map() makes them. */
static void fill(uint32_t leaf_level_max)
{
    pages_init(&pool, (struct range){(uintptr_t)pool_words, POOL_PAGES * PAGE_SIZE});
    assert_int_equal(pt_create(&pt, &NESTED_FORMAT, leaf_level_max, &pool), OK);
    assert_int_equal(guest_map_fill(&map, &pt), OK);
    tables = pages_constant(&pool);
    assert_true(is_valid());
}

static void add(uint64_t at, uint64_t to, uint64_t size)
{
    guest_map_add(
        &map, (struct guest_region){gpa(at), hpa(to), size, RWX, PT_WRITE_BACK, REGION_RAM, NULL});
}

/* A guest with memory below and above the hole. */
static void make(uint32_t leaf_level_max, uint64_t host, uint64_t low, uint64_t high)
{
    map.count = 0;
    add(0, host, low);
    if (high > 0)
        add(4 * GIB, host + low, high);
    fill(leaf_level_max);
}

/* The same with memory that it may only read, and registers of a device. */
static void make_full(void)
{
    make(3, 4 * GIB, 16 * MIB, 0);
    guest_map_add(&map, (struct guest_region){gpa(4 * GIB), hpa(8 * GIB), PAGE_SIZE, PT_R,
                                              PT_WRITE_BACK, REGION_SHARED, NULL});
    guest_map_add(&map, (struct guest_region){gpa(GIB), hpa(0xf0000000), 2 * MIB, PT_R | PT_W,
                                              PT_UNCACHED, REGION_DEVICE, NULL});
    guest_map_add(&map, (struct guest_region){gpa(2 * GIB), hpa(0xe0000000), MIB, PT_R | PT_W,
                                              PT_WRITE_COMBINING, REGION_DEVICE, NULL});
    fill(3);
}

static void test_accepts(void **state)
{
    (void)state;
    make(3, 4 * GIB, 3 * GIB, 2 * GIB);
    make(2, 4 * GIB, 3 * GIB, 2 * GIB + PAGE_SIZE);
    make(3, 6 * MIB, 16 * MIB + PAGE_SIZE, 0);
    make(3, PT_OUTPUT_MAX - GIB, GIB, 0);
    assert_int_equal(pt_create(&pt, &NESTED_FORMAT, 3, &pool), OK);
    tables = pages_constant(&pool);
    assert_true(is_valid()); /* nothing mapped */
}

/* Every bit of every entry in use, and some of the empty ones. */
static void test_every_bit(void **state)
{
    (void)state;
    make(3, 4 * GIB + 2 * MIB, 6 * MIB + 2 * PAGE_SIZE, 2 * MIB - PAGE_SIZE);
    uint64_t *words = (uint64_t *)(uintptr_t)tables.base;
    for (uint64_t i = 0; i < tables.size / sizeof(*words); i++) {
        const uint64_t was = words[i];
        if (was == 0 && i % PT_ENTRIES > 20 && i % PT_ENTRIES < PT_ENTRIES - 1)
            continue;
        if (was % PAGE_SIZE == NESTED_LEAF && i % 8 != 0)
            continue; /* one in eight of the many small pages */
        for (uint32_t bit = 0; bit < 64; bit++) {
            words[i] = was ^ BIT64(bit);
            if (range_contains(tables, (struct range){words[i] - NESTED_TABLE, PAGE_SIZE}))
                continue; /* another page of ours: safe when that is empty */
            assert_false(is_valid());
        }
        words[i] = 0;
        assert_true(is_valid());
        words[i] = was;
    }
    assert_true(is_valid());
}

/* Tables that are right in themselves, for another guest than this one. */
static void test_other_map(void **state)
{
    (void)state;
    make(3, 4 * GIB, 16 * MIB, 0);
    const struct guest_map good = map;
    map.rows[0].size -= PAGE_SIZE;
    assert_false(is_valid());
    map = good;
    map.rows[0].to.v += PAGE_SIZE_2M;
    assert_false(is_valid());
    map = good;
    map.rows[0].at.v += PAGE_SIZE_2M;
    assert_false(is_valid());
    map = good;
    map.count = 0;
    assert_false(is_valid());
    map = good;
    assert_true(is_valid());
}

static void test_other_tables(void **state)
{
    (void)state;
    make(3, 4 * GIB, 16 * MIB, 0);
    const struct range good = tables;
    tables.base += tables.size - PAGE_SIZE; /* all but the root lie outside */
    tables.size = PAGE_SIZE;
    assert_int_equal(tables.base, pt.root.v);
    assert_false(is_valid());
    tables = good;
    tables.size -= PAGE_SIZE; /* the root lies outside */
    assert_false(is_valid());
    tables = good;
    assert_false(NESTED_VALID(&map, tables, hpa(pt.root.v + 8)));
    assert_false(NESTED_VALID(&map, tables, hpa(UINT64_MAX)));
    assert_false(NESTED_VALID(&map, tables, hpa(0)));
}

/* A leaf has its row's rights and memory type, no more and no less. */
static void test_other_rights(void **state)
{
    (void)state;
    make_full();
    const struct guest_map good = map;
    for (uint32_t i = 0; i < good.count; i++) {
        for (uint32_t rights = 0; rights < 16; rights++) {
            map.rows[i].rights = rights;
            assert_int_equal(is_valid(), rights == good.rows[i].rights);
        }
        map = good;
        for (uint32_t type = PT_WRITE_BACK; type <= PT_WRITE_COMBINING; type++) {
            map.rows[i].type = (enum pt_memory)type;
            assert_int_equal(is_valid(), map.rows[i].type == good.rows[i].type);
        }
        map = good;
    }
    map.rows[0].rights = UINT32_MAX - 7; /* would carry into the address */
    assert_false(is_valid());
}

static int allocate(void **state)
{
    (void)state;
    pool_words = aligned_alloc(PAGE_SIZE, POOL_PAGES * PAGE_SIZE);
    return pool_words == NULL;
}

static int release(void **state)
{
    (void)state;
    free(pool_words);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),      cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_other_map),    cmocka_unit_test(test_other_tables),
        cmocka_unit_test(test_other_rights),
    };
    return cmocka_run_group_tests(tests, allocate, release);
}
