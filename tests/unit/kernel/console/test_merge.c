/* SPDX-License-Identifier: MIT */
/*
 * test_merge: guests and the log on one serial port of 11.5 bytes in a millisecond: who gets how
 * much of it, what a step costs, and where a guest's life ends in its text. The devices are
 * fakes: the port takes what fits the time, there is no screen.
 */
#include "kernel/console/merge.h"

#include <stdio.h>

#include "support.h"
#include "tests/unit/wire.h"

/* ------------------------------------------------------------------ tests */

static const char newlines[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
                               "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";
static const char short_lines[] = "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\nx\n";
static const char escapes[] =
    "\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m\x1b[0m";

/* 400 bytes a second in lines, or byte by byte as a UART does, beside a flood of any sort. */
static void check_modest(const char *flood, bool by_byte)
{
    uint32_t refused = 0;
    char line[16];

    (void)setup(NULL);
    for (uint32_t ms = 0; ms < 15000; ms++) {
        while (say(1, flood))
            ;
        if (ms % 25 == 0) {
            snprintf(line, sizeof(line), "say %04u\n", ms / 25);
            for (const char *c = line; *c && by_byte; c++)
                refused += !say(0, (char[]){*c, '\0'});
            refused += !by_byte && !say(0, line);
        }
        pass_ms(1);
    }
    pass_ms(500);
    assert_int_equal(refused, 0);
    assert_int_equal(count("[a] say "), 600);
}

static void flood_takes_nobodys_share(void **state)
{
    (void)state;
    check_modest(newlines, false);
    check_modest(newlines, true);
    check_modest(short_lines, false);
    check_modest(short_lines, true);
    check_modest(escapes, false);
}

/* Two that flood, with lines of very different length, have half of the line each. */
static void floods_share_by_bytes(void **state)
{
    static const char long_line[] = "0123456789012345678901234567890123456789012345678901234567890"
                                    "12345678901234567890123456789012345678901234567890123456789\n";
    uint64_t bytes[2] = {0};

    (void)state;
    for (uint32_t ms = 0; ms < 20000; ms++) {
        while (say(0, long_line))
            ;
        while (say(1, short_lines))
            ;
        pass_ms(1);
    }
    for (const char *at = wire, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
        if (at[0] == '[' && (at[1] == 'a' || at[1] == 'b'))
            bytes[at[1] - 'a'] += (uint64_t)(end - at);
    }
    assert_true(bytes[0] > bytes[1] * 8 / 10 && bytes[1] > bytes[0] * 8 / 10);
}

static void own_flood_leaves_the_guests_their_part(void **state)
{
    (void)state;
    for (uint32_t ms = 0; ms < 10000; ms++) {
        while (merge.log.head - merge.log.tail < LINE_RING_BYTES / 2)
            log_says("guest 'x' was restarted, again");
        while (say(1, short_lines))
            ;
        if (ms % 25 == 0)
            assert_true(say(0, "beat\n"));
        pass_ms(1);
    }
    pass_ms(500);
    assert_int_equal(count("[a] beat"), 400);
    assert_true(count(PREFIX) > 10 * BYTES_PER_SEC / 40 / 2);
}

/* What the log says before a guest speaks stands before it. */
static void own_lines_come_first(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 50; i++) {
        log_says("guest 'a' starts");
        assert_true(say(0, "hello\n"));
        pass_ms(20);
    }
    const char *want = PREFIX "guest 'a' starts\r\n[a] hello\r\n";
    for (uint32_t i = 0; i < 50; i++)
        assert_memory_equal(wire + i * strlen(want), want, strlen(want));
}

static void empty_lines_are_folded(void **state)
{
    (void)state;
    assert_true(say(0, "one\n\n\n\ntwo\n"));
    pass_ms(50);
    assert_string_equal(wire, "[a] one\r\n[a] \r\n[a] \r\n[a] \r\n[a] two\r\n");
    (void)setup(NULL);
    assert_true(say(0, newlines) && say(0, newlines) && say(0, "three\n"));
    pass_ms(50);
    assert_string_equal(wire, "[a] \r\n[a] \r\n[a] \r\n[a] ... 93 empty lines\r\n[a] three\r\n");
    (void)setup(NULL);
    assert_true(say(0, newlines)); /* and then nothing */
    pass_ms(50);
    assert_string_equal(wire, "[a] \r\n[a] \r\n[a] \r\n[a] ... 45 empty lines\r\n");
    (void)setup(NULL);
    for (uint32_t ms = 0; ms < 5500; ms++) { /* without end: once a second */
        while (say(0, newlines))
            ;
        pass_ms(1);
    }
    assert_int_equal(count(" empty lines\r\n"), 5);
    assert_int_equal(count("\n"), 8);
}

/* A step is at most a line, so that its caller can stop. */
static void steps_are_short(void **state)
{
    (void)state;
    assert_true(say(0, short_lines) && say(1, short_lines));
    for (uint32_t i = 0; i < 500; i++) {
        const uint64_t put = merge.lines.terminal.count;
        now += MS;
        wire_budget = 100;
        terminal_drain(&merge.lines.terminal);
        (void)merge_step(&merge, PREFIX, now, PARTIAL);
        assert_true(merge.lines.terminal.count - put <= strlen("[a] x\n"));
    }
    assert_int_equal(count("x\r\n"), 2 * (sizeof(short_lines) - 1) / 2);
}

/* Life 1 leaves half a line, or empty ones, and half an escape sequence, shown or not; all of both
 * lives may lie in the ring at once. */
static void nothing_of_a_life_reaches_the_next(void **state)
{
    (void)state;
    for (uint32_t shown = 0; shown < 2; shown++) {
        (void)setup(NULL);
        assert_true(say(0, "OLD\x1b["));
        pass_ms(shown ? 50 : 0);
        note(0, "guest 'a' was stopped");
        note(0, "guest 'a' starts");
        assert_true(say(0, "NEW\n\n\n\n\n\n\n"));
        note(0, "guest 'a' was stopped");
        assert_true(say(0, "\nnewer\n"));
        pass_ms(50);
        assert_string_equal(wire, "[a] OLD\r\n" PREFIX "guest 'a' was stopped\r\n" PREFIX
                                  "guest 'a' starts\r\n[a] NEW\r\n[a] \r\n[a] \r\n[a] \r\n"
                                  "[a] ... 3 empty lines\r\n" PREFIX
                                  "guest 'a' was stopped\r\n[a] \r\n[a] newer\r\n");
    }
}

/* The notes of a death stand together, however long they are; then others have their turns. */
static void notes_stand_together(void **state)
{
    char *at;

    (void)state;
    assert_true(say(0, "last words\n"));
    for (uint32_t i = 0; i < 25; i++)
        note(0, "it says here what its registers were, and much else");
    for (uint32_t ms = 0; ms < 1000; ms++) {
        while (say(1, short_lines))
            ;
        pass_ms(1);
    }
    at = strstr(wire, PREFIX);
    assert_non_null(at);
    for (uint32_t i = 0; i < 25; i++, at = strchr(at, '\n') + 1)
        assert_memory_equal(at, PREFIX, strlen(PREFIX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flood_takes_nobodys_share),
        cmocka_unit_test_setup(floods_share_by_bytes, setup),
        cmocka_unit_test_setup(own_flood_leaves_the_guests_their_part, setup),
        cmocka_unit_test_setup(own_lines_come_first, setup),
        cmocka_unit_test_setup(empty_lines_are_folded, setup),
        cmocka_unit_test_setup(steps_are_short, setup),
        cmocka_unit_test_setup(nothing_of_a_life_reaches_the_next, setup),
        cmocka_unit_test_setup(notes_stand_together, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
