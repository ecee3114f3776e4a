/* SPDX-License-Identifier: MIT */
/*
 * test_pacing: pauses double from a millisecond to a second and end with a long life; what a guest
 * that ends all the time may say grows with the logarithm of its lives.
 */
#include "kernel/vm/pacing.h"

#include "lib/bits.h"
#include "support.h"

#define HZ     UINT64_C(3000000000)
#define SECOND HZ

static struct pacing l;

static int setup(void **state)
{
    (void)state;
    pacing_reset(&l, HZ, 5 * SECOND);
    return 0;
}

static void pauses_double_to_a_second(void **state)
{
    uint64_t want = SECOND / 1000, all = 0;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        const uint64_t pause = pacing_next(&l, SECOND - 1).pause;
        assert_int_equal(pause, want);
        want = min_u64(2 * want, SECOND);
        all += pause;
    }
    assert_in_range(all / SECOND, 90, 92); /* ten short pauses together make one of the others */
}

static void a_long_life_ends_the_pauses(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 20; i++)
        (void)pacing_next(&l, 0);
    assert_int_equal(pacing_next(&l, SECOND).pause, 0);
    assert_int_equal(pacing_next(&l, SECOND - 1).pause, SECOND / 1000);
    pacing_reset(&l, HZ, 0);
    assert_int_equal(pacing_next(&l, 0).pause, SECOND / 1000);
}

static void loops_are_told_less_and_less(void **state)
{
    uint32_t told = 0;

    (void)state;
    for (uint32_t i = 1; i <= 10; i++) /* up to the longest pause */
        assert_true(pacing_next(&l, 0).is_told);
    for (uint32_t loops = 1; loops <= 100000; loops++) {
        const bool is_told = pacing_next(&l, 0).is_told;
        assert_int_equal(is_told, (loops & (loops - 1)) == 0);
        assert_true(is_told || loops >= PACING_FIRST_UNTOLD);
        assert_false(is_told && loops == PACING_FIRST_UNTOLD);
        told += is_told;
    }
    assert_int_equal(told, 17);
    assert_true(pacing_next(&l, SECOND).is_told);
    assert_true(pacing_next(&l, 0).is_told);
}

static void diagnoses_are_earned(void **state)
{
    uint64_t now = 5 * SECOND;
    uint32_t printed = 0;

    (void)state;
    for (uint32_t i = 0; i < PACING_DIAGNOSES; i++)
        assert_true(pacing_diagnose(&l, now));
    assert_false(pacing_diagnose(&l, now));
    for (uint32_t second = 0; second < 3600; second++) {
        now += SECOND;
        for (uint32_t i = 0; i < 100; i++)
            printed += pacing_diagnose(&l, now);
    }
    assert_int_equal(printed, 3600 / PACING_DIAGNOSIS_S);
    now += 1000000 * SECOND; /* what it does not need is not saved up for ever */
    for (uint32_t i = 0; i < PACING_DIAGNOSES; i++)
        assert_true(pacing_diagnose(&l, now));
    assert_false(pacing_diagnose(&l, now));
}

/* Another core's stamp may be a little older than the last one that was counted. */
static void time_may_step_back(void **state)
{
    const uint64_t full = 9 * SECOND + PACING_DIAGNOSIS_S * SECOND;

    (void)state;
    for (uint32_t i = 0; i < PACING_DIAGNOSES; i++)
        assert_true(pacing_diagnose(&l, 9 * SECOND));
    assert_false(pacing_diagnose(&l, 8 * SECOND));
    assert_false(pacing_diagnose(&l, full - 1));
    assert_true(pacing_diagnose(&l, full));
}

/* Nothing wraps, at any rate and any time. */
static void extremes(void **state)
{
    (void)state;
    pacing_reset(&l, UINT64_C(64000000000), UINT64_MAX - 10);
    for (uint32_t i = 0; i < PACING_DIAGNOSES; i++)
        assert_true(pacing_diagnose(&l, UINT64_MAX));
    assert_false(pacing_diagnose(&l, UINT64_MAX));
    for (uint32_t i = 0; i < 64; i++)
        assert_true(pacing_next(&l, 0).pause <= UINT64_C(64000000000));
    pacing_reset(&l, 1000, 0);
    assert_in_range(pacing_next(&l, 0).pause, 1, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pauses_double_to_a_second, setup),
        cmocka_unit_test_setup(a_long_life_ends_the_pauses, setup),
        cmocka_unit_test_setup(loops_are_told_less_and_less, setup),
        cmocka_unit_test_setup(diagnoses_are_earned, setup),
        cmocka_unit_test_setup(time_may_step_back, setup),
        cmocka_unit_test_setup(extremes, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
