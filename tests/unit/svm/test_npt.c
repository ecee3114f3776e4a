/* SPDX-License-Identifier: MIT */
/*
 * test_npt: entries bit by bit as the APM draws them, what must never be written, and the map of a
 * guest as partitions make it.
 */
#include "svm/npt.h"

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
        {0, 1, PT_R, PT_UNCACHED, 0x800000000000003d},
        {0, 1, PT_R | PT_W, PT_UNCACHED, 0x800000000000007f},
        {0, 1, PT_R | PT_X, PT_UNCACHED, 0x3d},
        {0, 1, PT_R | PT_W | PT_X, PT_UNCACHED, 0x7f},
        {0, 1, PT_R | PT_W | PT_X, PT_WRITE_COMBINING, 0x6f},
        {0, 1, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x67},
        {0xfee00000, 1, PT_R | PT_W, PT_UNCACHED, 0x80000000fee0007f},
        {0x40200000, 2, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x402000e7},
        {0x40000000, 3, PT_R | PT_W | PT_X, PT_WRITE_BACK, 0x400000e7},
        {0xffffffffff000, 1, PT_R, PT_WRITE_BACK, 0x800ffffffffff025},
        {0xfffffffe00000, 2, PT_R | PT_X, PT_WRITE_BACK, 0x000fffffffe000a5},
        {0xfffffc0000000, 3, PT_R, PT_WRITE_BACK, 0x800fffffc00000a5},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct pt_format *f = &npt_format;
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
    const struct pt_format *f = &npt_format;
    (void)state;
    uint64_t e = f->make_table(hpa(0xabcde000));
    assert_int_equal(e, 0xabcde027);
    assert_true(f->is_present(e));
    for (uint32_t level = 2; level <= 4; level++)
        assert_false(f->is_leaf(e, level));
    assert_false(f->is_leaf(e | BIT64(7), 4)); /* reserved there, and no 512 GiB leaf */
    assert_int_equal(f->address(e, 4).v, 0xabcde000);
    assert_int_equal(f->rights(e), PT_R | PT_W | PT_X);
    assert_false(f->is_present(0));
    assert_false(f->is_present(0xabcde0e6)); /* not present, whatever else */
    assert_true(f->is_present(0x1));
    assert_int_equal(f->rights(0x63), 0); /* not for users: no guest access passes */
    assert_int_equal(f->rights(0x66), 0);
}

static void test_refused(void **state)
{
    const struct pt_format *f = &npt_format;
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

/* The types that leaves ask for are at their place in the host's PAT; no leaf needs bit 7 or 12. */
static void test_memory_types(void **state)
{
    static const struct {
        enum pt_memory memory;
        enum pat_type type;
    } cases[] = {{PT_WRITE_BACK, PAT_WB}, {PT_UNCACHED, PAT_UC}, {PT_WRITE_COMBINING, PAT_WC}};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const uint64_t e = npt_format.make_leaf(hpa(0), 1, PT_R, cases[i].memory);
        assert_int_equal(HOST_PAT >> bits_get(e, 4, 3) * 8 & 0xff, cases[i].type);
        assert_int_equal(e & BIT64(7), 0);
        assert_int_equal(npt_format.make_leaf(hpa(0), 2, PT_R, cases[i].memory) & BIT64(12), 0);
    }
}

/* An entry that is not present is 0: no address is left for a processor that speculates on it. */
static void check_absent_entries(const struct pages *p)
{
    const struct range tables = pages_constant(p);
    const uint64_t *entries = (const uint64_t *)(uintptr_t)tables.base;

    for (size_t i = 0; i < tables.size / sizeof(*entries); i++)
        assert_true(npt_format.is_present(entries[i]) || entries[i] == 0);
}

/* Guest RAM from 0, host memory 2 MiB-aligned: with and without 1 GiB leaves. */
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
        assert_int_equal(pt_create(&pt, &npt_format, cases[i].leaf_level_max, &p), OK);
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
    assert_int_equal(pt_create(&pt, &npt_format, 3, &p), OK);
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
        cmocka_unit_test(test_leaf_bits), cmocka_unit_test(test_table_bits),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_memory_types),
        cmocka_unit_test(test_guest_ram), cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, pool_allocate, pool_free);
}
