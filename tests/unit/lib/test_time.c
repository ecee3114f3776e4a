/* SPDX-License-Identifier: MIT */
/*
 * test_time: the promises of lib/time.h, over all rates and up to the ends of the number range.
 */
#include "lib/time.h"

#include "support.h"

#define ROUNDS 200000

typedef unsigned __int128 u128;

static const uint64_t rates[] = {
    TIME_HZ_MIN, 32768,      999999937,  999999999,   NS_PER_SECOND, 1000000001,
    1193182,     3579545,    24000000,   200000000,   2399999999,    2592000000,
    3000000000,  3700000013, 5000000000, 63999999999, TIME_HZ_MAX,
};

/* Any rate that is allowed, small ones as likely as large ones. */
static uint64_t random_rate(uint64_t *seed)
{
    uint64_t limit = TIME_HZ_MAX >> random_next(seed) % 26;
    return TIME_HZ_MIN + random_next(seed) % (limit - TIME_HZ_MIN + 1);
}

/* Any amount below 2^bits, all magnitudes alike. */
static uint64_t random_amount(uint64_t *seed, unsigned bits)
{
    return random_next(seed) >> (64 - bits + random_next(seed) % bits);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void check_there_and_back(uint64_t hz, uint64_t amount)
{
    struct time_scale s = time_scale_make(hz);
    uint64_t ns = time_to_ns(&s, time_to_ticks(&s, amount));

    assert_true(ns >= amount); /* nobody wakes up early */
    if (hz >= NS_PER_SECOND)
        assert_true(ns - amount <= 1);
    else
        assert_true(distance(time_to_ticks(&s, time_to_ns(&s, amount)), amount) <= 1);
}

static void round_trips_are_off_by_one_at_most(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (uint64_t amount = 0; amount < 2000; amount++)
            check_there_and_back(rates[i], amount);
    }
    for (int i = 0; i < ROUNDS; i++) {
        /* What comes back must be below 2^58 too, in ns. */
        uint64_t hz = random_rate(&seed);
        unsigned bits = hz >= NS_PER_SECOND ? 58 : 38;
        check_there_and_back(hz, random_amount(&seed, bits));
    }
}

/* abuse: TM-06 */
static void results_are_exact_to_a_unit(void **state)
{
    uint64_t seed = 2;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t hz = random_rate(&seed);
        uint64_t amount = random_amount(&seed, 55);
        struct time_scale s = time_scale_make(hz);
        u128 ns = (u128)amount * NS_PER_SECOND / hz;
        u128 ticks = ((u128)amount * hz + NS_PER_SECOND - 1) / NS_PER_SECOND;

        if (ns < (u128)1 << 58) {
            assert_true(time_to_ns(&s, amount) <= ns);
            assert_true(ns - time_to_ns(&s, amount) <= 1);
        }
        if (ticks < (u128)1 << 58) {
            assert_true(time_to_ticks(&s, amount) >= ticks);
            assert_true(time_to_ticks(&s, amount) - ticks <= 1);
        }
    }
}

static void time_never_goes_back(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct time_scale s = time_scale_make(random_rate(&seed));
        uint64_t a = random_amount(&seed, 64), b = random_amount(&seed, 64);
        uint64_t low = a < b ? a : b, high = a < b ? b : a;

        assert_true(time_to_ns(&s, low) <= time_to_ns(&s, high));
        assert_true(time_to_ticks(&s, low) <= time_to_ticks(&s, high));
    }
}

/* abuse: TM-06 */
static void the_ends_saturate(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        struct time_scale s = time_scale_make(rates[i]);

        assert_int_equal(time_to_ns(&s, 0), 0);
        assert_int_equal(time_to_ticks(&s, 0), 0);
        if (rates[i] < NS_PER_SECOND)
            assert_true(time_to_ns(&s, UINT64_MAX) == UINT64_MAX);
        if (rates[i] > NS_PER_SECOND)
            assert_true(time_to_ticks(&s, UINT64_MAX) == UINT64_MAX);
    }
}

static void known_values(void **state)
{
    struct time_scale s = time_scale_make(3000000000);

    (void)state;
    assert_int_equal(time_to_ticks(&s, 1), 4); /* never early: 3 and a bit */
    assert_true(distance(time_to_ns(&s, 3000000000), NS_PER_SECOND) <= 1);
    assert_true(distance(time_to_ticks(&s, NS_PER_SECOND), 3000000000) <= 1);
    s = time_scale_make(TIME_HZ_MIN);
    assert_true(distance(time_to_ns(&s, 1), NS_PER_MS) <= 1);
    assert_int_equal(time_to_ticks(&s, 1), 1);
}

static void a_stamp_of_the_future_is_now(void **state)
{
    (void)state;
    assert_int_equal(ticks_since(10, 3), 7);
    assert_int_equal(ticks_since(10, 10), 0);
    assert_int_equal(ticks_since(10, 11), 0);
    assert_int_equal(ticks_since(0, UINT64_MAX), 0);
    assert_int_equal(ticks_since(UINT64_MAX, 0), UINT64_MAX);
}

static void impossible_rates_are_our_bug(void **state)
{
    (void)state;
    expect_assert_failure((void)time_scale_make(0));
    expect_assert_failure((void)time_scale_make(TIME_HZ_MIN - 1));
    expect_assert_failure((void)time_scale_make(TIME_HZ_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_are_off_by_one_at_most),
        cmocka_unit_test(results_are_exact_to_a_unit),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test(the_ends_saturate),
        cmocka_unit_test(known_values),
        cmocka_unit_test(a_stamp_of_the_future_is_now),
        cmocka_unit_test(impossible_rates_are_our_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
