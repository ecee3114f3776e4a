/* SPDX-License-Identifier: MIT */
/*
 * test_histogram: where a value is counted, and the numbers that jitter prints.
 */
#include "guests/jitter/histogram.h"

#include "support.h"

/* Every value lies in its bucket, behind the bucket before, and within 1/16 of its end. */
static void test_buckets(void **state)
{
    (void)state;
    for (uint32_t power = 0; power < 64; power++) {
        for (uint64_t i = 0; i < 64; i++) {
            const uint64_t value = BIT64(power) | (i << 58 >> (63 - power));
            const uint32_t bucket = histogram_bucket(value);
            assert_true(bucket < HISTOGRAM_BUCKETS);
            assert_true(value <= histogram_top(bucket));
            assert_true(bucket == 0 || value > histogram_top(bucket - 1));
            assert_true(histogram_top(bucket) - value <= value / 16);
        }
    }
    assert_int_equal(histogram_bucket(0), 0);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
    assert_true(histogram_top(HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

static void test_numbers(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_quantile(&h, 10), 0);
    for (uint64_t value = 1; value <= 20; value++)
        histogram_add(&h, value);
    assert_int_equal(h.count, 20);
    assert_int_equal(h.sum, 210);
    assert_int_equal(h.min, 1);
    assert_int_equal(h.max, 20);
    assert_int_equal(histogram_quantile(&h, 10), 18); /* two of twenty exceed it */
    assert_int_equal(histogram_quantile(&h, 100), 20);
    histogram_add(&h, 1000); /* no more than was seen, whatever the bucket's end */
    assert_int_equal(histogram_quantile(&h, 1000), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
