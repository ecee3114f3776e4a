/* SPDX-License-Identifier: MIT */
/*
 * test_raw: one guest has the terminal for itself: its bytes as they are, nobody else's between
 * them, and afterwards a terminal in order, and what the others said meanwhile.
 */
#include "kernel/console/raw.h"

#include <stdio.h>

#include "support.h"
#include "tests/unit/wire.h"

#define BEGIN PREFIX "raw view of guest 'a': Ctrl-T returns to the monitor\r\n"
#define END   PREFIX "end of the raw view of guest 'a'\r\n"

static char want[WIRE_MAX];

static void expect(const char *text)
{
    pass_ms(200);
    assert_string_equal(wire, text);
}

/* What goes out from now on. */
static void fresh(void)
{
    pass_ms(200);
    memset(wire, 0, wire_len);
    wire_len = 0;
}

static void bytes_go_out_as_they_are(void **state)
{
    char all[256];

    (void)state;
    merge_attach(&merge, 0);
    expect(BEGIN);
    fresh();
    for (uint32_t i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    all[255] = '\0';
    assert_true(say(0, all));
    expect(all);
    assert_int_equal(streams[0].bytes, 255);
    assert_int_equal(streams[0].lines, 1);
    assert_false(merge_is_waiting(&merge));
}

/* The view comes below what was said before it, and half lines are ended. */
static void what_was_before_comes_first(void **state)
{
    (void)state;
    assert_true(say(1, "half"));
    pass_ms(100);
    assert_true(say(0, "half \x1b["));
    pass_ms(1);
    log_says("before");
    assert_true(say(1, " more\n"));
    merge_attach(&merge, 0);
    log_says("behind");
    assert_true(say(0, "31m"));
    pass_ms(100);
    merge_detach(&merge, RAW_ENDS);
    snprintf(want, sizeof(want),
             "[b] half\r\n" PREFIX "before\r\n[a] half \r\n" BEGIN "31m%s" END PREFIX
             "behind\r\n[b]+  more\r\n",
             raw_order);
    expect(want);
}

/* Ours too, but for a panic. */
static void the_others_come_afterwards(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    log_says("ours");
    assert_true(say(1, "other\n"));
    note(0, "of its life");
    assert_true(say(0, "next life"));
    expect("next life");
    assert_false(merge_is_waiting(&merge));
    merge_detach(&merge, RAW_ENDS);
    snprintf(want, sizeof(want),
             "next life%s" END PREFIX "ours\r\n" PREFIX "of its life\r\n"
             "[b] other\r\n",
             raw_order);
    expect(want);
}

/* A neighbour does not wait for room; how much is left out is said. */
static void a_flood_meanwhile_is_cut(void **state)
{
    uint32_t lines = 0, kept;
    char line[TX_RECORD_MAX + 1], *at;
    unsigned long long dropped;

    (void)state;
    merge_attach(&merge, 0);
    for (uint32_t ms = 0; ms < 5000; ms++) {
        assert_true(say(0, "x"));
        for (uint32_t i = 0; i < 3; i++) {
            snprintf(line, sizeof(line), "line %05u\n", lines++);
            assert_true(say(1, line));
        }
        pass_ms(1);
    }
    assert_null(strstr(wire, "line"));
    merge_detach(&merge, RAW_ENDS);
    for (uint32_t i = 0; i < 20; i++)
        pass_ms(500);
    at = strstr(wire, END);
    assert_non_null(at);
    at += strlen(END);
    assert_int_equal(sscanf(at, PREFIX "guest 'b': %llu bytes dropped here\r", &dropped), 1);
    kept = count("[b] line ");
    assert_in_range(kept, TX_RING_RECORDS / 2 - 8, TX_RING_RECORDS / 2 + 8);
    assert_int_equal(dropped, (lines - kept) * strlen("line 00000\n"));
    assert_int_equal(streams[1].bytes, lines * strlen("line 00000\n"));
    snprintf(line, sizeof(line), "[b] line %05u\r\n", lines - 1);
    assert_non_null(strstr(wire, line));
}

/* The whole line is the guest's, and it can fill it. */
static void the_whole_line_is_its_own(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    for (uint32_t ms = 0; ms < 2000; ms++) {
        while (say(0, "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\n"))
            ;
        while (say(1, "\n"))
            ;
        log_says("another line of ours");
        pass_ms(1);
    }
    assert_true(wire_len > 2 * BYTES_PER_SEC * 99 / 100);
    assert_null(strchr(wire, '['));
}

/* The key comes at once, however much the guest still has to say; that is then filtered. */
static void a_flood_does_not_hold_the_end_off(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    while (say(0, "\x1b[2J\x1b]title"))
        ;
    pass_ms(100);
    merge_detach(&merge, RAW_ENDS);
    pass_ms(1000 * TERMINAL_STAGE / BYTES_PER_SEC + 50);
    char *end = strstr(wire, raw_order);
    assert_non_null(end);
    assert_memory_equal(end + strlen(raw_order), END, strlen(END));
    pass_ms(5000);
    assert_null(strchr(end + strlen(raw_order), '\x1b'));
    assert_null(strstr(end, "title\r")); /* in the middle of a string it is known to be one */
}

/* The end comes in the middle of a string: the rest of it is no text. */
static void the_filter_knows_where_it_is(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    assert_true(say(0, "\x1b]0;ti"));
    fresh();
    merge_detach(&merge, RAW_ENDS);
    fresh();
    assert_true(say(0, "tle\x07text\n"));
    expect("[a] text\r\n");
}

/* However much of it lies in its ring. */
static void nothing_of_its_own_is_dropped(void **state)
{
    char line[TX_RECORD_MAX + 1];
    uint32_t lines = 0;

    (void)state;
    merge_attach(&merge, 0);
    fresh();
    do
        snprintf(line, sizeof(line), "%05u\n", lines);
    while (say(0, line) && ++lines);
    assert_int_equal(lines, TX_RING_RECORDS);
    pass_ms(2000);
    assert_int_equal(wire_len, lines * strlen("00000\n"));
}

/* A death for good: all is shown first. */
static void the_last_words_are_raw(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    assert_true(say(0, "\x1b[1mlast words\n"));
    note(0, "guest 'a' powered off");
    merge_detach(&merge, RAW_ENDS_LAST);
    snprintf(want, sizeof(want), "\x1b[1mlast words\n%s" END PREFIX "guest 'a' powered off\r\n",
             raw_order);
    expect(want);
    assert_null(merge.raw.guest);
}

/* Taken back before it has begun: nothing was done to the terminal. */
static void a_view_can_end_before_it_begins(void **state)
{
    (void)state;
    log_says("before");
    assert_true(say(0, "\x1b[1mtext\n"));
    merge_attach(&merge, 0);
    merge_detach(&merge, RAW_ENDS);
    expect(PREFIX "before\r\n[a] text\r\n");
    assert_false(raw_is_undone_later(&merge.raw, &merge.lines.terminal));
    merge_attach(&merge, 1);
    fresh();
    assert_true(say(1, "\x07"));
    expect("\x07");
}

/* Another view only after that. */
static void one_at_a_time(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    merge_attach(&merge, 1);
    assert_ptr_equal(merge.raw.guest, &merge.sources[0]);
    merge_detach(&merge, RAW_ENDS);
    merge_detach(&merge, RAW_ENDS_LAST);
    assert_int_equal(merge.raw.end, RAW_ENDS);
    assert_true(raw_is_undone_later(&merge.raw, &merge.lines.terminal));
    pass_ms(1);
    assert_true(raw_is_undone_later(&merge.raw, &merge.lines.terminal));
    pass_ms(100);
    assert_false(raw_is_undone_later(&merge.raw, &merge.lines.terminal));
}

/* What cannot be left to each terminal's DECSTR; and first of all, whatever came before is over. */
static void order_undoes_what_works_on(void **state)
{
    static const char *const undone[] = {
        "\x1b[?1049l", "\x1b[0m", "\x1b[r", "\x1b(B", "\x0f",    "\x1b>",           "\x1b[!p",
        "7;8;25h",     ";1000;",  ";1003;", "?2004;", "\x1b[4i", "\x1bP0;1|\x1b\\",
    };

    (void)state;
    assert_memory_equal(raw_order, "\x18\x1b\\", 3);
    for (size_t i = 0; i < ARRAY_SIZE(undone); i++)
        assert_non_null(strstr(raw_order, undone[i]));
    assert_string_equal(raw_order + strlen(raw_order) - 2, "\r\n");
    assert_true(strstr(raw_order, "?7;8;25h") > strstr(raw_order, "[!p"));
    assert_true(strlen(raw_order) < RAW_ORDER_MAX);
}

static char panicked[4096];

static void a_panic_takes_the_terminal(void **state)
{
    (void)state;
    merge_attach(&merge, 0);
    fresh();
    log_says("ours");
    assert_true(say(0, "\x1b]"));
    pass_ms(10);
    emergency = panicked;
    merge_emergency(&merge, PREFIX);
    emergency = NULL;
    snprintf(want, sizeof(want), "%s" PREFIX "ours\r\n", raw_order);
    assert_string_equal(panicked, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bytes_go_out_as_they_are, setup),
        cmocka_unit_test_setup(what_was_before_comes_first, setup),
        cmocka_unit_test_setup(the_others_come_afterwards, setup),
        cmocka_unit_test_setup(a_flood_meanwhile_is_cut, setup),
        cmocka_unit_test_setup(the_whole_line_is_its_own, setup),
        cmocka_unit_test_setup(a_flood_does_not_hold_the_end_off, setup),
        cmocka_unit_test_setup(the_filter_knows_where_it_is, setup),
        cmocka_unit_test_setup(nothing_of_its_own_is_dropped, setup),
        cmocka_unit_test_setup(the_last_words_are_raw, setup),
        cmocka_unit_test_setup(a_view_can_end_before_it_begins, setup),
        cmocka_unit_test_setup(one_at_a_time, setup),
        cmocka_unit_test_setup(order_undoes_what_works_on, setup),
        cmocka_unit_test_setup(a_panic_takes_the_terminal, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
