/* SPDX-License-Identifier: MIT */
/*
 * test_ept_valid: the tables that pt_map() makes are accepted, and no bit of them can be changed
 * without that being seen, except that an entry may be empty.
 */
#include "vmx/ept_valid.h"

#include "support.h"

#include "lib/bits.h"
#include "vmx/ept.h"

#define POOL_PAGES 16
#define RWX        (PT_R | PT_W | PT_X)

static uint64_t *pool_words;
static struct pages pool;
static struct pagetable pt;
static struct guest_map map;

/* A guest with memory below and above the hole, as build_map() makes it. */
static void make(const struct pt_format *format, uint64_t host, uint64_t low, uint64_t high)
{
    const struct range range = {(uintptr_t)pool_words, POOL_PAGES * PAGE_SIZE};

    pages_init(&pool, range);
    map =
        (struct guest_map){.tables = range, .parts = {{0, host, low}, {4 * GIB, host + low, high}}};
    assert_int_equal(pt_create(&pt, format, &pool), OK);
    assert_int_equal(pt_map(&pt, 0, hpa(host), low, RWX, PT_WRITE_BACK), OK);
    if (high > 0)
        assert_int_equal(pt_map(&pt, 4 * GIB, hpa(host + low), high, RWX, PT_WRITE_BACK), OK);
    map.tables = pages_constant(&pool);
    assert_true(ept_valid(&map, pt.root));
}

static void test_accepts(void **state)
{
    (void)state;
    make(&ept_format_1g, 4 * GIB, 3 * GIB, 2 * GIB);
    make(&ept_format_2m, 4 * GIB, 3 * GIB, 2 * GIB + PAGE_SIZE);
    make(&ept_format_1g, 6 * MIB, 16 * MIB + PAGE_SIZE, 0);
    make(&ept_format_1g, PT_OUTPUT_MAX - GIB, GIB, 0);
    assert_int_equal(pt_create(&pt, &ept_format_1g, &pool), OK);
    map.tables = pages_constant(&pool);
    assert_true(ept_valid(&map, pt.root)); /* nothing mapped */
}

/* Every bit of every entry in use, and some of the empty ones. */
static void test_every_bit(void **state)
{
    (void)state;
    make(&ept_format_1g, 4 * GIB + 2 * MIB, 6 * MIB + 2 * PAGE_SIZE, 2 * MIB - PAGE_SIZE);
    uint64_t *words = (uint64_t *)(uintptr_t)map.tables.base;
    for (uint64_t i = 0; i < map.tables.size / sizeof(*words); i++) {
        const uint64_t was = words[i];
        if (was == 0 && i % PT_ENTRIES > 20 && i % PT_ENTRIES < PT_ENTRIES - 1)
            continue;
        if (was % PAGE_SIZE == 0x37 && i % 8 != 0)
            continue; /* one in eight of the many small pages */
        for (uint32_t bit = 0; bit < 64; bit++) {
            words[i] = was ^ BIT64(bit);
            if (range_contains(map.tables, (struct range){words[i] - 7, PAGE_SIZE}))
                continue; /* another page of ours: safe when that is empty */
            assert_false(ept_valid(&map, pt.root));
        }
        words[i] = 0;
        assert_true(ept_valid(&map, pt.root));
        words[i] = was;
    }
    assert_true(ept_valid(&map, pt.root));
}

/* Tables that are right in themselves, for another guest than this one. */
static void test_other_map(void **state)
{
    (void)state;
    make(&ept_format_1g, 4 * GIB, 16 * MIB, 0);
    const struct guest_map good = map;
    map.parts[0].size -= PAGE_SIZE;
    assert_false(ept_valid(&map, pt.root));
    map = good;
    map.parts[0].to += PAGE_SIZE_2M;
    assert_false(ept_valid(&map, pt.root));
    map = good;
    map.parts[0].from += PAGE_SIZE_2M;
    assert_false(ept_valid(&map, pt.root));
    map = good;
    map.tables.base += map.tables.size - PAGE_SIZE; /* all but the root lie outside */
    map.tables.size = PAGE_SIZE;
    assert_int_equal(map.tables.base, pt.root.v);
    assert_false(ept_valid(&map, pt.root));
    map = good;
    map.tables.size -= PAGE_SIZE; /* the root lies outside */
    assert_false(ept_valid(&map, pt.root));
    map = good;
    assert_false(ept_valid(&map, hpa(pt.root.v + 8)));
    assert_false(ept_valid(&map, hpa(UINT64_MAX)));
    assert_false(ept_valid(&map, hpa(0)));
}

/* Guests' memory always has all rights and is write-back. */
static void test_other_rights(void **state)
{
    (void)state;
    make(&ept_format_1g, 4 * GIB, 16 * MIB, 0);
    map.parts[1] = (struct guest_part){4 * GIB, 8 * GIB, PAGE_SIZE};
    assert_int_equal(pt_map(&pt, 4 * GIB, hpa(8 * GIB), PAGE_SIZE, PT_R | PT_W, PT_WRITE_BACK), OK);
    map.tables = pages_constant(&pool);
    assert_false(ept_valid(&map, pt.root));
    make(&ept_format_1g, 4 * GIB, 16 * MIB, 0);
    map.parts[1] = (struct guest_part){4 * GIB, 8 * GIB, PAGE_SIZE};
    assert_int_equal(pt_map(&pt, 4 * GIB, hpa(8 * GIB), PAGE_SIZE, RWX, PT_UNCACHED), OK);
    map.tables = pages_constant(&pool);
    assert_false(ept_valid(&map, pt.root));
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
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_other_map),
        cmocka_unit_test(test_other_rights),
    };
    return cmocka_run_group_tests(tests, allocate, release);
}
