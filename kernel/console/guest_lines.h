/* SPDX-License-Identifier: MIT */
/*
 * guest_lines: turns one guest's output into lines that are safe for a terminal. Caller: the holder
 * of the console lock.
 *
 * What gets through: plain characters of UTF-8 (utf8_is_plain()) and tabs. Escape sequences and
 * carriage returns are left out; a backspace takes back a character that has not been shown. Any
 * other control is a '.', and what is not a plain character a '?', one for each broken sequence.
 */
#pragma once

#include "kernel/console/output.h"
#include "kernel/console/stream.h"
#include "lib/escape.h"
#include "lib/utf8.h"

/* Bytes of text that go out in one piece, with nobody else's between them; what is longer, or than
 * OUTPUT_COLUMNS, goes in several. Two for each column: all but rare characters. */
#define GUEST_LINES_LINE_MAX (2 * OUTPUT_COLUMNS)

/* What of a guest's text has no newline yet. */
struct guest_lines {
    struct console_stream *stream;
    struct speaker speaker;
    uint64_t last;    /* TSC when the latest byte came */
    uint64_t folded;  /* TSC when the first empty line that is not shown came */
    uint32_t empty;   /* empty lines in a row */
    uint64_t dropped; /* bytes that were taken behind `record` and are to be told of */
    uint32_t record_at, record_len; /* what of `record` is still to be looked at */
    uint8_t record[TX_RECORD_MAX];
    struct utf8 utf8;
    struct escape escape;
    uint32_t len, columns; /* of `line`; a tab counts as 8 */
    uint8_t line[GUEST_LINES_LINE_MAX];
};

/* For the first life; the stream stays for good. */
void guest_lines_init(struct guest_lines *s, struct console_stream *stream);

/* Our next line about the guest where it is due, else the guest's text up to the next line, or some
 * bytes of it; false: there is neither. When nothing has come for more than `partial` ticks, an
 * unfinished line is shown as far as it goes; 0: never. Of many empty lines in a row the first few
 * are shown, and how many more there were. */
bool guest_lines_pump(struct guest_lines *s, struct output *lines, uint64_t now, uint64_t partial);

/* Some of the guest's bytes as they are, to a terminal that is its own; false: there is nothing.
 * Our lines about it wait. What is in the middle of a line or an escape sequence then stays known.
 */
bool guest_lines_pump_raw(struct guest_lines *s, struct output *lines);

/* Nobody looks: keeps the latest half ring of what the guest says and drops some of what is before,
 * so that it need not wait; true: there may be more. guest_lines_pump() tells how much it was. */
bool guest_lines_drop(struct guest_lines *s);

/* What has no newline yet is a line all the same, and nothing of it goes on. */
void guest_lines_cut(struct guest_lines *s, struct output *lines, uint64_t now);

/* Our lines about the guest are on their way out: another guest's should not come between. */
bool guest_lines_has_note(const struct guest_lines *s);

/* Nothing waits here for time to pass or for its turn; what lies in the guest's ring may. */
bool guest_lines_is_empty(const struct guest_lines *s);

/* Bytes that one guest_lines_pump() puts at most, a '\n' counting twice: a line, and what it began
 * with; or what a guest left unfinished, that some of it was left out, and a note about it. */
#define GUEST_LINES_ROOM \
    (GUEST_LINES_LINE_MAX + OUTPUT_ROOM + 2 * LINE_RING_LINE + 4 * OUTPUT_PREFIX)
