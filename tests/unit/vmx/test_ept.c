/* SPDX-License-Identifier: MIT */
/*
 * test_ept: entries bit by bit as the SDM draws them, the misconfigurations that must never be
 * written, and the map of a guest as partitions make it.
 */
#include "vmx/ept.h"

#include "support.h"

#include "lib/bits.h"
#include "tests/unit/pagetable_look.h"

#define POOL_PAGES 64

static void *pool_bytes;

static void pool_make(struct pages *p)
{
    struct range pool = {.base = (uintptr_t)pool_bytes, .size = POOL_PAGES * PAGE_SIZE};
    pages_init(p, pool);
}

static void test_leaf_bits(void **state)
{
    static const struct {
        uint64_t address;
        uint32_t level, rights;
        enum pt_memory memory;
        uint64_t want;
    } cases[] = {
        {0, 1, PT_R, PT_UNCACHED, 0x1},
        {0, 1, PT_R | PT_W, PT_UNCACHED, 0x3},
        {0, 1, PT_R | PT_X, PT_UNCACHED, 0x5},
        {0, 1, PT_R | PT_W | PT_X, PT_UNCACHED, 0x7},
        {0, 1, PT_R | PT_W | PT_X, PT_WRITE_COMBINING, 0xf},
        {0, 1, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x77},
        {0xfee00000, 1, PT_R | PT_W, PT_UNCACHED, 0xfee00003},
        {0x40200000, 2, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x402000f7},
        {0x40000000, 3, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x400000f7},
        {0xffffffffff000, 1, PT_R, PT_WRITE_BACK, 0xffffffffff071},
        {0xfffffffe00000, 2, PT_R, PT_WRITE_BACK, 0xfffffffe000f1},
        {0xfffffc0000000, 3, PT_R, PT_WRITE_BACK, 0xfffffc00000f1},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct pt_format *f = &ept_format;
        uint64_t e =
            f->make_leaf(hpa(cases[i].address), cases[i].level, cases[i].rights, cases[i].memory);
        assert_int_equal(e, cases[i].want);
        assert_true(f->is_present(e));
        assert_true(f->is_leaf(e, cases[i].level));
        assert_int_equal(f->address(e, cases[i].level).v, cases[i].address);
        assert_int_equal(f->rights(e), cases[i].rights);
    }
}

static void test_table_bits(void **state)
{
    const struct pt_format *f = &ept_format;
    (void)state;
    uint64_t e = f->make_table(hpa(0xabcde000));
    assert_int_equal(e, 0xabcde007);
    assert_true(f->is_present(e));
    for (uint32_t level = 2; level <= 4; level++)
        assert_false(f->is_leaf(e, level));
    assert_false(f->is_leaf(e | BIT64(7), 4)); /* reserved there, and no 512 GiB leaf */
    assert_int_equal(f->address(e, 4).v, 0xabcde000);
    assert_int_equal(f->rights(e), PT_R | PT_W | PT_X);
    assert_false(f->is_present(0));
    assert_false(f->is_present(0xabcde0b0)); /* no right at all: not present, whatever else */
    assert_true(f->is_present(0x4));         /* execute alone is present too */
}

static void test_misconfigurations(void **state)
{
    const struct pt_format *f = &ept_format;
    (void)state;
    expect_assert_failure(f->make_leaf(hpa(0), 1, 0, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_W, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_W | PT_X, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_X, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 1, PT_R | PT_USER, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 0, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0), 4, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0x1000), 2, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0x200000), 3, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(0x800), 1, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_leaf(hpa(PT_OUTPUT_MAX), 1, PT_R, PT_WRITE_BACK));
    expect_assert_failure(f->make_table(hpa(0x800)));
    expect_assert_failure(f->make_table(hpa(PT_OUTPUT_MAX)));
}

static void test_pointer(void **state)
{
    (void)state;
    assert_int_equal(ept_pointer(hpa(0)), 0x1e);
    assert_int_equal(ept_pointer(hpa(0x123456789000)), 0x12345678901e);
    expect_assert_failure(ept_pointer(hpa(0x801)));
}

/* An entry that is not present is 0: no address is left for a processor that speculates on it. */
static void check_absent_entries(const struct pages *p)
{
    const struct range tables = pages_constant(p);
    const uint64_t *entries = (const uint64_t *)(uintptr_t)tables.base;

    assert_true(tables.size > 0);
    for (size_t i = 0; i < tables.size / sizeof(*entries); i++)
        assert_true(ept_format.is_present(entries[i]) || entries[i] == 0);
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
        assert_int_equal(pt_create(&pt, &ept_format, cases[i].leaf_level_max, &p), OK);
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
    assert_int_equal(pt_create(&pt, &ept_format, 3, &p), OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf_bits),         cmocka_unit_test(test_table_bits),
        cmocka_unit_test(test_misconfigurations), cmocka_unit_test(test_pointer),
        cmocka_unit_test(test_guest_ram),         cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, pool_allocate, pool_free);
}
