/* SPDX-License-Identifier: MIT */
/*
 * test_ept: entries bit by bit as the SDM draws them, the misconfigurations that must never be
 * written, and the map of a guest as partitions make it.
 */
#include "vmx/ept.h"

#include "support.h"

#include "lib/bits.h"

#define NESTED_FORMAT ept_format

#include "nested_ram.h"

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
    uint64_t e = f->make_table(hpa(0xabcde000), 2);
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
    expect_assert_failure(f->make_table(hpa(0x800), 2));
    expect_assert_failure(f->make_table(hpa(PT_OUTPUT_MAX), 2));
}

static void test_pointer(void **state)
{
    (void)state;
    assert_int_equal(ept_pointer(hpa(0)), 0x1e);
    assert_int_equal(ept_pointer(hpa(0x123456789000)), 0x12345678901e);
    expect_assert_failure(ept_pointer(hpa(0x801)));
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
