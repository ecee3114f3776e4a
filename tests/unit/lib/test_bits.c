/* SPDX-License-Identifier: MIT */
/*
 * test_bits: fields, alignment and address arithmetic at the edges of 64 bits.
 */
#include "lib/bits.h"

#include "support.h"

static void test_mask(void **state)
{
    (void)state;
    assert_int_equal(MASK64(0, 0), 1);
    assert_int_equal(MASK64(7, 4), 0xf0);
    assert_int_equal(MASK64(63, 63), UINT64_C(1) << 63);
    assert_true(MASK64(63, 0) == UINT64_MAX);
    assert_int_equal(MASK64(51, 12), 0x000ffffffffff000);
    assert_int_equal(BIT32(31), 0x80000000);
    assert_int_equal(BIT64(63), UINT64_C(0x8000000000000000));

    for (unsigned hi = 0; hi < 64; hi++) {
        for (unsigned lo = 0; lo <= hi; lo++) {
            uint64_t expected = 0;
            for (unsigned bit = lo; bit <= hi; bit++)
                expected |= BIT64(bit);
            assert_int_equal(MASK64(hi, lo), expected);
        }
    }
}

static void test_get(void **state)
{
    (void)state;
    assert_int_equal(bits_get(0x123456789abcdef0, 7, 4), 0xf);
    assert_int_equal(bits_get(0x123456789abcdef0, 63, 60), 0x1);
    assert_int_equal(bits_get(0x123456789abcdef0, 63, 0), 0x123456789abcdef0);
    assert_int_equal(bits_get(0x123456789abcdef0, 0, 0), 0);
    assert_int_equal(bits_get(UINT64_MAX, 51, 12), BIT64(40) - 1);
}

static void test_powers(void **state)
{
    (void)state;
    assert_false(is_power_of_two(0));
    assert_true(is_power_of_two(1));
    assert_false(is_power_of_two(3));
    assert_false(is_power_of_two(UINT64_MAX));
    for (unsigned n = 0; n < 64; n++) {
        assert_true(is_power_of_two(BIT64(n)));
        if (n > 1)
            assert_false(is_power_of_two(BIT64(n) + 1));
    }
}

static void test_align(void **state)
{
    uint64_t out = 77;
    (void)state;
    assert_true(is_aligned(0, PAGE_SIZE));
    assert_true(is_aligned(PAGE_SIZE_2M, PAGE_SIZE));
    assert_false(is_aligned(PAGE_SIZE, PAGE_SIZE_2M));
    assert_false(is_aligned(PAGE_SIZE + 1, PAGE_SIZE));
    assert_true(is_aligned(12345, 1));

    assert_int_equal(align_down(0x1fff, 0x1000), 0x1000);
    assert_int_equal(align_down(0x2000, 0x1000), 0x2000);
    assert_int_equal(align_down(UINT64_MAX, PAGE_SIZE_1G), UINT64_MAX - (PAGE_SIZE_1G - 1));

    assert_true(align_up(0, 0x1000, &out));
    assert_int_equal(out, 0);
    assert_true(align_up(1, 0x1000, &out));
    assert_int_equal(out, 0x1000);
    assert_true(align_up(0x1000, 0x1000, &out));
    assert_int_equal(out, 0x1000);
    assert_true(align_up(UINT64_MAX, 1, &out));
    assert_true(out == UINT64_MAX);
}

static void test_align_up_overflow(void **state)
{
    uint64_t out = 77;
    uint64_t last = UINT64_MAX - (PAGE_SIZE - 1); /* the last page's base */
    (void)state;
    assert_true(align_up(last, PAGE_SIZE, &out));
    assert_int_equal(out, last);
    out = 77;
    assert_false(align_up(last + 1, PAGE_SIZE, &out));
    assert_false(align_up(UINT64_MAX, PAGE_SIZE, &out));
    assert_false(align_up(UINT64_MAX, BIT64(63), &out));
    assert_int_equal(out, 77); /* a failure writes nothing */
}

static void test_add_and_mul(void **state)
{
    uint64_t out;
    (void)state;
    assert_true(add_u64(UINT64_MAX, 0, &out));
    assert_true(out == UINT64_MAX);
    assert_true(add_u64(1, 2, &out));
    assert_int_equal(out, 3);
    assert_false(add_u64(UINT64_MAX, 1, &out));
    assert_false(add_u64(BIT64(63), BIT64(63), &out));

    assert_true(mul_u64(BIT64(32) - 1, BIT64(32) + 1, &out));
    assert_true(out == UINT64_MAX);
    assert_true(mul_u64(UINT64_MAX, 0, &out));
    assert_int_equal(out, 0);
    assert_false(mul_u64(BIT64(32), BIT64(32), &out));
    assert_false(mul_u64(UINT64_MAX, 2, &out));
}

static void test_range_ok(void **state)
{
    (void)state;
    assert_true(range_ok(0, 0));
    assert_true(range_ok(UINT64_MAX, 0));
    assert_true(range_ok(UINT64_MAX, 1)); /* ends at exactly 2^64 */
    assert_false(range_ok(UINT64_MAX, 2));
    assert_true(range_ok(0, UINT64_MAX));
    assert_false(range_ok(2, UINT64_MAX));
    assert_true(range_ok(0xfffffffffffff000, 0x1000));
    assert_false(range_ok(0xfffffffffffff000, 0x1001));
}

static void test_min_max(void **state)
{
    (void)state;
    assert_int_equal(min_u64(1, 2), 1);
    assert_int_equal(min_u64(UINT64_MAX, 0), 0);
    assert_true(max_u64(UINT64_MAX, 0) == UINT64_MAX);
    assert_int_equal(max_u64(1, 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mask),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_powers),
        cmocka_unit_test(test_align),
        cmocka_unit_test(test_align_up_overflow),
        cmocka_unit_test(test_add_and_mul),
        cmocka_unit_test(test_range_ok),
        cmocka_unit_test(test_min_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
