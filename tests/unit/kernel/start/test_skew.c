/* SPDX-License-Identifier: MIT */
/*
 * test_skew: what exchanged readings of two TSCs prove about their offset.
 */
#include "kernel/start/skew.h"

#include "support.h"

static struct skew one(uint64_t asked, uint64_t answer, uint64_t heard)
{
    const struct skew_exchange e = {asked, answer, heard};
    return skew_bound(&e, 1);
}

static void one_exchange_bounds_the_offset(void **state)
{
    (void)state;
    assert_true(one(1000, 1040, 1100).low == -60 && one(1000, 1040, 1100).high == 40);
    assert_true(one(1000, 5000, 1100).low == 3900 && one(1000, 5000, 1100).high == 4000);
    assert_true(one(5000, 1000, 5100).low == -4100 && one(5000, 1000, 5100).high == -4000);
    /* A counter that passed its end between the readings. */
    assert_true(one(UINT64_MAX, 9, 19).low == -10 && one(UINT64_MAX, 9, 19).high == 10);
    assert_true(one(3, UINT64_MAX, 13).low == -14 && one(3, UINT64_MAX, 13).high == -4);
}

static void the_closest_exchange_counts(void **state)
{
    const struct skew_exchange list[] = {
        {0, 700, 1000}, {2000, 2130, 2200}, {3000, 3080, 3100}, {4000, 4900, 5000}};

    (void)state;
    for (uint32_t count = 1; count <= ARRAY_SIZE(list); count++) {
        const uint32_t best = count <= 3 ? count - 1 : 2;
        const struct skew skew = skew_bound(list, count);
        assert_true(skew.low == (int64_t)(list[best].answer - list[best].heard));
        assert_true(skew.high == (int64_t)(list[best].answer - list[best].asked));
    }
}

static void only_a_bound_without_zero_proves(void **state)
{
    static const struct {
        struct skew skew;
        bool apart;
        uint64_t worst;
    } rows[] = {
        {{-60, 40}, false, 60},
        {{-1000000, 1000000}, false, 1000000}, /* anything is possible */
        {{100, 5000}, false, 5000},            /* may be at the limit */
        {{101, 5000}, true, 5000},
        {{-5000, -100}, false, 5000},
        {{-5000, -101}, true, 5000},
        {{INT64_MIN, -101}, true, UINT64_C(1) << 63},
        {{101, INT64_MAX}, true, INT64_MAX},
        {{INT64_MIN, INT64_MAX}, false, UINT64_C(1) << 63},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(skew_apart(rows[i].skew, 100), rows[i].apart);
        assert_int_equal(skew_worst(rows[i].skew), rows[i].worst);
    }
}

/* Whatever the offset and however long the ways take, the truth is inside. */
static void the_true_offset_is_always_inside(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int run = 0; run < 1000; run++) {
        const int64_t offset = (int64_t)(random_next(&seed) % 2000001) - 1000000;
        struct skew_exchange list[8];
        uint64_t now = 10000000;

        for (uint32_t i = 0; i < ARRAY_SIZE(list); i++) {
            list[i].asked = now += random_next(&seed) % 5000;
            list[i].answer = (now += random_next(&seed) % 5000) + (uint64_t)offset;
            list[i].heard = now += random_next(&seed) % 5000;
        }
        const struct skew skew = skew_bound(list, ARRAY_SIZE(list));
        assert_true(skew.low <= offset && offset <= skew.high);
        if (skew_apart(skew, 3))
            assert_true(offset > 3 || offset < -3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exchange_bounds_the_offset),
        cmocka_unit_test(the_closest_exchange_counts),
        cmocka_unit_test(only_a_bound_without_zero_proves),
        cmocka_unit_test(the_true_offset_is_always_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
