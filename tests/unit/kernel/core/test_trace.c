/* SPDX-License-Identifier: MIT */
/*
 * test_trace: the last exits of a core, copied while that core may go on making exits.
 */
#include "kernel/core/trace.h"

#include "support.h"

#define HIGH UINT64_C(0x500000000)

static struct trace trace;
static struct trace_row rows[TRACE_ROWS];

/* Exit number `n`, counted from 0, at its time. */
static void note(uint32_t n)
{
    const struct stay stay = {.time = HIGH | n, .rip = 0x1000 + n, .hw_code = n};

    trace_exit(&trace, &stay, EXIT_CPUID);
}

static void note_all(uint32_t count)
{
    trace_reset(&trace);
    for (uint32_t n = 0; n < count; n++)
        note(n);
}

/* rows[] are the exits `first` to first + count - 1. */
static void assert_rows(uint32_t first, uint32_t count)
{
    assert_int_equal(trace_copy(&trace, rows), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(rows[i].time, HIGH + first + i);
        assert_int_equal(rows[i].rip, 0x1000 + first + i);
        assert_int_equal(rows[i].hw_code, first + i);
        assert_int_equal(rows[i].kind, EXIT_CPUID);
        assert_int_equal(rows[i].verdict, DO_NEXT);
    }
}

static void the_oldest_comes_first(void **state)
{
    (void)state;
    note_all(0);
    assert_rows(0, 0);
    for (uint32_t count = 1; count <= 2 * TRACE_ROWS + 1; count++) {
        note_all(count);
        assert_rows(count > TRACE_ROWS ? count - TRACE_ROWS : 0,
                    count > TRACE_ROWS ? TRACE_ROWS : count);
    }
}

/* The owning core has written the times of `overwritten` more exits than `next` tells: they stand
 * where the oldest rows stood. */
static void rows_that_are_written_over_are_left_out(void **state)
{
    (void)state;
    for (uint32_t overwritten = 0; overwritten < TRACE_ROWS; overwritten++) {
        note_all(2 * TRACE_ROWS);
        struct trace_place *next = trace.next;
        for (uint32_t n = 0; n < overwritten; n++)
            note(2 * TRACE_ROWS + n);
        trace.next = next;
        assert_rows(TRACE_ROWS + overwritten, TRACE_ROWS - overwritten);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_comes_first),
        cmocka_unit_test(rows_that_are_written_over_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
