/* SPDX-License-Identifier: MIT */
/*
 * test_guest_lines: what guests write, through source.c and lines.c, as the bytes on the serial
 * line and as the rows of a terminal.
 */
#include "kernel/console/guest_lines.h"

#include <stdio.h>

#include "support.h"

#include "paper.h"
#include "tests/unit/tx_put.h"

#define QUIET 100 /* ticks after which half a line is shown */

static struct output lines;
static struct console_stream streams[2];
static struct guest_lines a, b;
static uint64_t now;

static void begin_with(uint32_t columns, void (*row)(const char *row, uint32_t len))
{
    memset(&lines, 0, sizeof(lines));
    lines.terminal.screen_on = columns != 80;
    lines.terminal.screen.text.columns = columns;
    for (uint32_t i = 0; i < 2; i++) {
        memset(&streams[i], 0, sizeof(streams[i]));
        tx_init(&streams[i].tx);
        streams[i].name[0] = (char)('a' + i);
    }
    guest_lines_init(&a, &streams[0]);
    guest_lines_init(&b, &streams[1]);
    paper_init(columns, row);
    now = 1;
}

static void begin(void)
{
    begin_with(80, NULL);
}

/* One write by a guest, and a pump. */
static void put(struct guest_lines *s, const char *bytes, size_t len)
{
    uint64_t data[TX_RECORD_MAX / 8] = {0};

    assert_true(len <= TX_RECORD_MAX);
    memcpy(data, bytes, len);
    assert_true(tx_put(&s->stream->tx, data, (uint32_t)len));
    assert_true(guest_lines_pump(s, &lines, now, QUIET));
    while (guest_lines_pump(s, &lines, now, QUIET))
        ;
}

static void say(struct guest_lines *s, const char *text)
{
    for (size_t len = strlen(text), at = 0; at < len; at += TX_RECORD_MAX)
        put(s, text + at, len - at < TX_RECORD_MAX ? len - at : TX_RECORD_MAX);
}

static void say_bytewise(struct guest_lines *s, const char *text)
{
    for (; *text != '\0'; text++)
        put(s, text, 1);
}

static void wait_ticks(uint64_t ticks)
{
    now += ticks;
    assert_false(guest_lines_pump(&a, &lines, now, QUIET));
    assert_false(guest_lines_pump(&b, &lines, now, QUIET));
}

static void own(const char *text)
{
    output_put(&lines, NULL, (const uint8_t *)text, (uint32_t)strlen(text), false, now);
}

/* What came since the last look. */
static const char *out(void)
{
    paper.bytes[paper.len] = '\0';
    paper.len = 0;
    return paper.bytes;
}

static const char *times(const char *text, uint32_t count)
{
    static char many[2048];

    many[0] = '\0';
    while (count-- > 0)
        strcat(many, text);
    return many;
}

static void rows_end_before_the_terminal_does(void **state)
{
    char want[512];

    (void)state;
    begin();
    say(&a, times("x", 75));
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %s\n", times("x", 75)); /* 79 columns: as it is */
    assert_string_equal(out(), want);
    say(&a, times("y", 76));
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %s\n[a]+ y\n", times("y", 75));
    assert_string_equal(out(), want);
    say(&a, times(" ", 75));
    say(&a, "[bulkhead] guest 'b' is stopped\n");
    (void)snprintf(want, sizeof(want), "[a] %s\n[a]+ [bulkhead] guest 'b' is stopped\n",
                   times(" ", 75));
    assert_string_equal(out(), want);
    own(times("z", 200)); /* ours stay whole */
    (void)snprintf(want, sizeof(want), "%s\n", times("z", 200));
    assert_string_equal(out(), want);
    assert_int_equal(streams[0].lines, 3);
}

static void a_smaller_screen_counts(void **state)
{
    char want[512];

    (void)state;
    begin_with(40, NULL);
    say(&a, times("x", 70));
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %.35s\n[a]+ %.34s\n[a]+ x\n", times("x", 70),
                   times("x", 70));
    assert_string_equal(out(), want);
    begin_with(240, NULL); /* a larger one does not */
    say(&a, times("x", 76));
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %s\n[a]+ x\n", times("x", 75));
    assert_string_equal(out(), want);
}

/* Of a line that does not end, what is longer than one piece comes without waiting. */
static void a_line_that_never_ends(void **state)
{
    static const char *const parts[] = {"x", "\t", "\xe4\xb8\xad", "\xf0\x9d\x90\x80"};
    static const uint32_t piece[] = {200, 25, 100, 100};

    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(parts); i++) {
        begin_with(40, NULL);
        say(&a, times(parts[i], piece[i]));
        assert_string_equal(out(), "");
        say(&a, parts[i]);
        assert_true(strlen(out()) > strlen(times(parts[i], piece[i])));
    }
    assert_int_equal(streams[0].lines, 0);
}

static void tabs_and_wide_characters_count(void **state)
{
    char want[512];

    (void)state;
    begin();
    say(&a, times("\t", 9)); /* to column 72; one more would be 80 */
    say(&a, "1234567\t.\n");
    (void)snprintf(want, sizeof(want), "[a] %s1234567\n[a]+ \t.\n", times("\t", 9));
    assert_string_equal(out(), want);
    say(&a, times("\xe4\xb8\xad", 38)); /* 37 take 74 of 75 columns */
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %s\n[a]+ \xe4\xb8\xad\n", times("\xe4\xb8\xad", 37));
    assert_string_equal(out(), want);
    say(&a, times("e\xcc\x81", 38)); /* a combining mark counts one */
    say(&a, "\n");
    (void)snprintf(want, sizeof(want), "[a] %se\n[a]+ \xcc\x81\n", times("e\xcc\x81", 37));
    assert_string_equal(out(), want);
}

/* Not where it stands, but where it was shown up to. */
static void half_a_line_stays_readable(void **state)
{
    (void)state;
    begin();
    say(&a, "login: ");
    assert_string_equal(out(), "");
    wait_ticks(QUIET + 1);
    assert_string_equal(out(), "[a] login: ");
    say(&a, "root\n");
    assert_string_equal(out(), "root\n"); /* nobody spoke meanwhile */
    say(&a, "login: ");
    wait_ticks(QUIET + 1);
    say(&b, "hello\n");
    say(&a, "root\n");
    assert_string_equal(out(), "[a] login: \n[b] hello\n[a]+ root\n");
    say(&a, "login: ");
    wait_ticks(QUIET + 1);
    own("[bulkhead] ours");
    say(&a, "\n"); /* only its end: no row for that */
    say(&a, "next\n");
    assert_string_equal(out(), "[a] login: \n[bulkhead] ours\n[a] next\n");
    say(&a, "login: ");
    wait_ticks(QUIET + 1);
    say(&b, "b");
    wait_ticks(QUIET + 1);
    say(&a, "x");
    wait_ticks(QUIET + 1);
    say(&b, "c\n");
    say(&a, "y\n");
    assert_string_equal(out(), "[a] login: \n[b] b\n[a]+ x\n[b]+ c\n[a]+ y\n");
    assert_int_equal(streams[0].lines, 5);
}

/* By a UART, a byte at a time, for much longer than a line may stay quiet. */
static void slow_lines_are_whole(void **state)
{
    char want[512];

    (void)state;
    begin();
    for (uint32_t i = 0; i < 196; i++) {
        say(&a, "x");
        say(&b, "y");
        wait_ticks(QUIET - 1);
    }
    assert_string_equal(out(), "");
    say(&a, "\n");
    say(&b, "\n");
    (void)snprintf(want, sizeof(want), "[a] %.75s\n[a]+ %.74s\n[a]+ %.47s\n", times("x", 75),
                   times("x", 75), times("x", 75));
    (void)snprintf(want + strlen(want), sizeof(want) - strlen(want),
                   "[b] %.75s\n[b]+ %.74s\n[b]+ %.47s\n", times("y", 75), times("y", 75),
                   times("y", 75));
    assert_string_equal(out(), want);
}

static void utf8_passes(void **state)
{
    (void)state;
    begin();
    say_bytewise(&a, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2 \xd7\xa9\n");
    assert_string_equal(out(), "[a] caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2 \xd7\xa9\n");
    say(&a, "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\x85|\xc2\x85|\xe2\x82|\xff|\xef\xbf\xbf\n");
    assert_string_equal(out(), "[a] ?|?|?|?|?|?|?|?\n");
    say(&a, "\xe2\x80\xae|\xe2\x80\xa8|\xef\xbb\xbf|\xe2\x80\x8b|\xc2\xad|\xf3\xa0\x80\xa1\n");
    assert_string_equal(out(), "[a] ?|?|?|?|?|?\n");
    say(&a, "half \xe2\x82\n"); /* the line ends within a character */
    assert_string_equal(out(), "[a] half ?\n");
    say(&a, "half \xe2\x82");
    wait_ticks(QUIET + 1);
    assert_string_equal(out(), "[a] half ?");
    say(&a, "\xac more\n");
    assert_string_equal(out(), " more\n");
    say(&a, "\x1b]0;\xe2"); /* within a sequence there is nothing to show */
    wait_ticks(QUIET + 1);
    say(&a, "\x82\xac\a.\n");
    assert_string_equal(out(), "[a] .\n");
}

static void controls_do_nothing(void **state)
{
    (void)state;
    begin();
    say(&a, "\x1b[2J\x1b(B");
    say_bytewise(&a, "\x1b]3008;start=1\x1b\\ok\x1b[0m\r\n");
    assert_string_equal(out(), "[a] ok\n");
    say(&a, "10%\r20%\r\n");
    assert_string_equal(out(), "[a] 10%20%\n");
    say(&a, "\a\f\v\x0e\x7f\n");
    assert_string_equal(out(), "[a] .....\n");
    say(&a, "l\xc3\xa9\t\b\b\b\b.\n"); /* takes back characters, not bytes */
    assert_string_equal(out(), "[a] ..\n");
    say(&a, times("\xe4\xb8\xad\b", 300)); /* and their columns */
    say(&a, "x\n");
    assert_string_equal(out(), "[a] x\n");
    say(&a, "shown");
    wait_ticks(QUIET + 1);
    say(&a, "\b\b[a]\n"); /* what was shown stays */
    assert_string_equal(out(), "[a] shown..[a]\n");
}

/* What stands before a line of ours about the guest, its end for one, is over: half a line, half a
 * character, half a sequence. */
static void a_note_ends_what_was_before(void **state)
{
    static const char *const halves[][2] = {
        {"half", "[a] half\n"}, {"caf\xc3", "[a] caf?\n"},  {"\x1b[12", ""},
        {"\x1b]0;title", ""},   {"whole\n", "[a] whole\n"},
    };
    char want[128];

    (void)state;
    for (uint32_t shown = 0; shown < 2; shown++) {
        for (uint32_t i = 0; i < ARRAY_SIZE(halves); i++) {
            begin();
            say(&a, halves[i][0]);
            if (shown == 1)
                wait_ticks(QUIET + 1);
            line_ring_put(&streams[0].notes, tx_place(&streams[0].tx), now, "note", 4);
            say(&a, "\xa9mnext\n"); /* the note first */
            (void)snprintf(want, sizeof(want), "%s[bulkhead] note\n[a] ?mnext\n", halves[i][1]);
            assert_string_equal(out(), want);
        }
    }
}

static void check_row(const char *row, uint32_t len)
{
    (void)len;
    assert_true(strncmp(row, "[a] ", 4) == 0 || strncmp(row, "[a]+ ", 5) == 0 ||
                strncmp(row, "[b] ", 4) == 0 || strncmp(row, "[b]+ ", 5) == 0 ||
                strncmp(row, "[bulkhead] ", 11) == 0);
    assert_null(strchr(row, '\x1b'));
}

/* Whatever two guests write, on whatever terminal: no row begins without a prefix of the one who
 * speaks, and a round never puts more than there is room for. */
static void no_bytes_make_a_row(void **state)
{
    static const char *const parts[] = {
        "\n",
        "\t",
        "\b",
        "\r",
        "\x1b[",
        "\x1b]",
        "\xe4\xb8\xad",
        "\xcc\x81",
        "\xf0\x9f\x98\x80",
        "[bulkhead] x",
        "        ",
        "xxxxxxxxxxxxxxxx",
        "\xc2",
        "\x9b",
        "\xe2\x80\xae",
        "\x18",
        "\xf0\x9d\x90\x80",
        "\t\t\t\t\t\t\t\t",
    };
    static const uint32_t columns[] = {80, 40, 41, 63};
    uint64_t seed = 7;

    (void)state;
    for (uint32_t n = 0; n < 40000; n++) {
        if (n % 1000 == 0)
            begin_with(columns[n / 1000 % ARRAY_SIZE(columns)], check_row);
        uint64_t random = random_next(&seed);
        struct guest_lines *s = random & 1 ? &a : &b;
        char record[2 * TX_RECORD_MAX] = "";
        size_t len = 0;
        const bool same = (random >> 1 & 7) == 0; /* a record of one part only, many times */
        while (len < TX_RECORD_MAX) {
            random = same ? random : random_next(&seed);
            const char *part = parts[(random >> 8) % ARRAY_SIZE(parts)];
            strcpy(record + len, part);
            len += strlen(part);
        }
        paper.len = 0;
        put(s, record, TX_RECORD_MAX);
        assert_true(paper_staged(0) < TERMINAL_STAGE - OUTPUT_PROMPT);
        if ((random >> 40 & 15) == 0)
            own("[bulkhead] ours");
        if ((random >> 50 & 3) == 0)
            wait_ticks(QUIET + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_end_before_the_terminal_does),
        cmocka_unit_test(a_smaller_screen_counts),
        cmocka_unit_test(a_line_that_never_ends),
        cmocka_unit_test(tabs_and_wide_characters_count),
        cmocka_unit_test(half_a_line_stays_readable),
        cmocka_unit_test(slow_lines_are_whole),
        cmocka_unit_test(utf8_passes),
        cmocka_unit_test(controls_do_nothing),
        cmocka_unit_test(a_note_ends_what_was_before),
        cmocka_unit_test(no_bytes_make_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
