/* SPDX-License-Identifier: MIT */
/*
 * test_trace_long: the long ring of exits, read while its core may go on writing.
 */
#include "kernel/core/trace_long.h"

#include "support.h"

#define COUNT      32
#define TRACE_LONG 1024

static struct trace_place_long places[COUNT];
static struct trace_long ring = {.places = places, .count = COUNT};

static void put(uint64_t number)
{
    const struct trace_entry entry = {.row = {.time = 1000 + number, .rip = number},
                                      .ticks = 7,
                                      .info = number << 32,
                                      .before = {number, 2, 3, 4},
                                      .after = {1, 2, 3, number}};

    trace_long_put(&ring, number, &entry);
}

static void assert_has(uint64_t first, uint64_t last)
{
    struct trace_entry entry;

    assert_int_equal(trace_long_first(&ring), first);
    assert_int_equal(atomic_load(&ring.newest), last);
    assert_false(trace_long_get(&ring, first - 1, &entry));
    assert_false(trace_long_get(&ring, last + 1, &entry));
    for (uint64_t n = first; n <= last; n++) {
        assert_true(trace_long_get(&ring, n, &entry));
        assert_int_equal(entry.row.time, 1000 + n);
        assert_int_equal(entry.info, n << 32);
        assert_int_equal(entry.before[LEFT_RAX], n);
        assert_int_equal(entry.after[LEFT_RBX], n);
    }
}

static void the_last_ones_are_kept(void **state)
{
    (void)state;
    trace_long_reset(&ring);
    assert_has(1, 0);
    for (uint64_t n = 1; n <= 3 * COUNT; n++) {
        put(n);
        assert_has(n > COUNT ? n - COUNT + 1 : 1, n);
    }
}

/* Exits that came while somebody read have no rows; what is older stays readable by its number. */
static void a_gap_is_no_row(void **state)
{
    struct trace_entry entry;

    (void)state;
    trace_long_reset(&ring);
    for (uint64_t n = 1; n <= 10; n++)
        put(n);
    put(20);
    assert_int_equal(trace_long_first(&ring), 1);
    for (uint64_t n = 1; n <= 20; n++)
        assert_int_equal(trace_long_get(&ring, n, &entry), n <= 10 || n == 20);
    put(10 + COUNT);
    assert_false(trace_long_get(&ring, 10, &entry));
}

/* As another core finds it in the middle of trace_long_put(). */
static void one_that_is_being_written_is_none(void **state)
{
    struct trace_entry entry;

    (void)state;
    trace_long_reset(&ring);
    put(5);
    atomic_store(&places[5].number, 0);
    assert_false(trace_long_get(&ring, 5, &entry));
    assert_false(trace_long_get(&ring, 0, &entry));
}

static void a_new_life_forgets(void **state)
{
    struct trace_entry entry;
    struct trace_long none = {0};

    (void)state;
    put(40);
    trace_long_reset(&ring);
    assert_has(1, 0);
    assert_false(trace_long_get(&ring, 40, &entry));
    trace_long_reset(&none); /* a guest without one */
    assert_int_equal(trace_long_first(&none), 1);
    assert_int_equal(trace_long_bytes(TRACE_LONG), 128 * 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_ones_are_kept),
        cmocka_unit_test(a_gap_is_no_row),
        cmocka_unit_test(one_that_is_being_written_is_none),
        cmocka_unit_test(a_new_life_forgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
