/* SPDX-License-Identifier: MIT */
/*
 * test_npt: entries bit by bit as the APM draws them, what must never be written, and the map of a
 * guest as partitions make it.
 */
#include "svm/npt.h"

#include "support.h"

#include "lib/bits.h"

#define NESTED_FORMAT npt_format

#include "nested_ram.h"

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
    uint64_t e = f->make_table(hpa(0xabcde000), 2);
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
    expect_assert_failure(f->make_table(hpa(0x800), 2));
    expect_assert_failure(f->make_table(hpa(PT_OUTPUT_MAX), 2));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf_bits), cmocka_unit_test(test_table_bits),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_memory_types),
        cmocka_unit_test(test_guest_ram), cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, pool_allocate, pool_free);
}
