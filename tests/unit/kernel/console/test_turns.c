/* SPDX-License-Identifier: MIT */
/*
 * test_turns: whoever speaks, and in pieces of whatever size: each gets its part of the output.
 */
#include "kernel/console/turns.h"

#include "support.h"

#define SLICES 100000

static struct turns turns;

static void add(uint32_t guests)
{
    turns_init(&turns);
    for (uint32_t i = 0; i < guests; i++)
        turns_add(&turns);
}

static void equal_parts_by_bytes(void **state)
{
    static const uint64_t sizes[] = {2, 10, 57, 213};
    uint64_t out[4] = {0}, sum = 0;

    (void)state;
    add(4);
    for (uint32_t i = 0; i < SLICES; i++) {
        const uint32_t who = turns.now;
        turns_charge(&turns, 1, sizes[who], false);
        out[who] += sizes[who];
        sum += sizes[who];
    }
    for (uint32_t i = 0; i < 4; i++)
        assert_in_range(out[i], sum / 4 - 2 * TURNS_QUANTUM, sum / 4 + 2 * TURNS_QUANTUM);
}

/* One asks for little and gets it, whatever the others do. */
static void modest_guest_gets_all_it_asks_for(void **state)
{
    uint64_t wanted = 0, shown = 0, sum = 0;

    (void)state;
    add(3);
    for (uint32_t i = 0; i < SLICES; i++) {
        wanted = sum / 20; /* a twentieth of the line */
        if (turns.now != 1) {
            turns_charge(&turns, 48, 480, false);
            sum += 480;
        } else if (shown + 40 <= wanted) {
            turns_charge(&turns, 40, 40, false);
            shown += 40;
            sum += 40;
        } else {
            turns_pass(&turns);
        }
    }
    assert_true(wanted - shown < 1000);
}

/* What is taken and never shown costs a turn as well; what is taken byte by byte and shown at last
 * costs what it would have cost in one piece. */
static void taking_is_charged_once(void **state)
{
    (void)state;
    add(2);
    for (uint32_t i = 0; i < TURNS_QUANTUM; i++) {
        assert_int_equal(turns.now, 0);
        turns_charge(&turns, 1, 0, false);
    }
    assert_int_equal(turns.now, 1);
    for (uint32_t i = 0; i < 50; i++)
        turns_charge(&turns, 1, 0, false);
    turns_charge(&turns, 1, 60, false);
    assert_int_equal(turns.guests[1].credit, TURNS_QUANTUM - 60);
}

/* Silence saves nothing up, and a debt costs the next turn, but no more than that. */
static void credit_is_not_saved_and_debts_stay(void **state)
{
    (void)state;
    add(2);
    for (uint32_t i = 0; i < 1000; i++)
        turns_pass(&turns);
    assert_int_equal(turns.now, 0);
    turns_charge(&turns, 48, 30 * TURNS_QUANTUM, true);
    assert_int_equal(turns.now, 0);
    turns_charge(&turns, 0, 1, false);
    assert_int_equal(turns.now, 1);
    turns_pass(&turns);
    assert_int_equal(turns.now, 0);
    turns_charge(&turns, 1, 1, false);
    assert_int_equal(turns.now, 1);
}

/* The log goes first, but a flood of its lines leaves the guests theirs. */
static void log_has_its_part_and_no_more(void **state)
{
    uint64_t own = 0, guests = 0;

    (void)state;
    add(2);
    assert_true(turns_is_own(&turns));
    for (uint32_t i = 0; i < SLICES; i++) {
        if (turns_is_own(&turns)) {
            turns_charge_own(&turns, 100);
            own += 100;
        } else {
            turns_charge(&turns, 48, 64, false);
            guests += 64;
        }
    }
    const uint64_t due = (own + guests) * TURNS_OWN / (TURNS_OWN + 2 * TURNS_QUANTUM);
    assert_true(own > due * 98 / 100 && own < due * 102 / 100);
    add(0);
    for (uint32_t i = 0; i < SLICES; i++) { /* nobody else is there */
        assert_true(turns_is_own(&turns));
        turns_charge_own(&turns, 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_parts_by_bytes),
        cmocka_unit_test(modest_guest_gets_all_it_asks_for),
        cmocka_unit_test(taking_is_charged_once),
        cmocka_unit_test(credit_is_not_saved_and_debts_stay),
        cmocka_unit_test(log_has_its_part_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
