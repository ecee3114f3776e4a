/* SPDX-License-Identifier: MIT */
/*
 * source: makes lines of what one guest writes, fit for a terminal. Caller: whoever holds the
 * console's lock.
 *
 * What gets through: plain characters of UTF-8 (utf8_is_plain()) and tabs. Escape sequences and
 * carriage returns are left out; a backspace takes back a character that has not been shown. Any
 * other control is a '.', and what is not a plain character a '?', one for each broken sequence.
 */
#pragma once

#include "kernel/console.h"
#include "kernel/lines.h"
#include "lib/escape.h"
#include "lib/utf8.h"

#define SOURCE_LINE_MAX 200 /* bytes of text in one line; longer lines are split */

/* What of a guest's text has no newline yet. */
struct source {
    struct console_stream *stream;
    uint64_t since; /* TSC when the first unshown byte came */
    struct utf8 utf8;
    struct escape escape;
    uint32_t len;
    uint8_t line[SOURCE_LINE_MAX];
};

/* One record of the guest's ring; false: it has none. A line that stays unfinished for `partial`
 * ticks is shown as far as it goes; 0: never. */
bool source_pump(struct source *s, struct lines *lines, uint64_t now, uint64_t partial);
