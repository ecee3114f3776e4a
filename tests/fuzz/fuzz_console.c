/* SPDX-License-Identifier: MIT */
/*
 * fuzz_console: any bytes that two guests write, cut in any way and with any pauses → what stands
 * on the terminal. Only plain text comes out, each row begins with its speaker and ends before a
 * terminal would wrap it, no newline is lost or added to what a guest says, and after a newline
 * nothing that came before it counts.
 *
 * Input: the screen's columns, then again and again a byte of what happens (the speaker, whether
 * time passes, how many bytes) and so many bytes.
 */
#include "kernel/console/guest_lines.h"

#include "support.h"

#include "../unit/paper.h"
#include "tests/unit/tx_put.h"

#define QUIET  100
#define GUESTS 2

static struct output lines;
static struct console_stream streams[GUESTS];
static struct guest_lines sources[GUESTS];

static bool begins_with(const char *row, const char *prefix)
{
    return strncmp(row, prefix, strlen(prefix)) == 0;
}

static void check_row(const char *row, uint32_t len)
{
    (void)len;
    DEMAND(begins_with(row, "[a] ") || begins_with(row, "[a]+ ") || begins_with(row, "[b] ") ||
           begins_with(row, "[b]+ "));
}

/* The whole of it is UTF-8 of plain characters, tabs and newlines. */
static void check_bytes(void)
{
    uint32_t at = 0, code;

    while (at < paper.len) {
        at += utf8_get((const uint8_t *)paper.bytes + at, paper.len - at, &code);
        DEMAND(code == '\n' || code == '\t' || utf8_is_plain(code));
    }
}

static void setup(uint32_t columns)
{
    static const char *const names[GUESTS] = {"a", "b"};

    memset(&lines, 0, sizeof(lines));
    lines.terminal.screen_on = true;
    lines.terminal.screen.text.columns = columns;
    paper_init(columns < 80 ? columns : 80, check_row);
    for (uint32_t i = 0; i < GUESTS; i++) {
        memset(&streams[i], 0, sizeof(streams[i]));
        strcpy(streams[i].name, names[i]);
        tx_init(&streams[i].tx);
        guest_lines_init(&sources[i], &streams[i]);
    }
}

/* Returns how many newlines the guest wrote. */
static uint32_t speak(struct guest_lines *s, struct fuzz_input *in, uint32_t len, uint64_t now)
{
    uint64_t data[TX_RECORD_MAX / 8] = {0};
    uint32_t newlines = 0;

    for (uint32_t i = 0; i < len; i++) {
        const uint8_t byte = fuzz_u8(in);
        newlines += byte == '\n';
        data[i / 8] |= (uint64_t)byte << (i % 8 * 8);
    }
    DEMAND(tx_put(&s->stream->tx, data, len));
    for (bool more = true; more;) {
        const uint32_t before = paper.len;
        more = guest_lines_pump(s, &lines, now, QUIET);
        DEMAND(paper_staged(before) <= GUEST_LINES_ROOM - OUTPUT_PROMPT);
    }
    return newlines;
}

/* What a newline has ended is over: from here on a guest is heard as if it had just begun. */
static void check_after_newline(struct guest_lines *s, uint64_t now)
{
    static const char word[] = "\nplain \xc3\xa9\n";
    struct fuzz_input in = {(const uint8_t *)word, sizeof(word) - 1};

    (void)speak(s, &in, sizeof(word) - 1, now);
    const char *want = s == &sources[0] ? "[a] plain \xc3\xa9\n" : "[b] plain \xc3\xa9\n";
    DEMAND(paper.len >= strlen(want));
    DEMAND(strcmp(paper.bytes + paper.len - strlen(want), want) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint32_t newlines[GUESTS] = {0};
    uint64_t now = 1;

    setup(SCREEN_COLUMNS_MIN + fuzz_u8(&in) % 64);
    while (in.left > 0) {
        const uint8_t what = fuzz_u8(&in);
        const uint32_t i = what & 1;
        if (what & 2)
            now += QUIET + 1;
        newlines[i] += speak(&sources[i], &in, 1 + (what >> 2) % TX_RECORD_MAX, now);
        if (what & 2)
            (void)guest_lines_pump(&sources[1 - i], &lines, now, QUIET);
    }
    for (uint32_t i = 0; i < GUESTS; i++) {
        DEMAND(streams[i].lines == newlines[i]);
        check_after_newline(&sources[i], now);
        DEMAND(streams[i].lines == newlines[i] + 2);
    }
    check_bytes();
    return 0;
}
