/* SPDX-License-Identifier: MIT */
/*
 * source: makes lines of what one guest writes, fit for a terminal. Caller: whoever holds the
 * console's lock.
 */
#pragma once

#include "kernel/console.h"
#include "kernel/lines.h"
#include "lib/escape.h"

#define SOURCE_LINE_MAX 200 /* bytes of text in one line; longer lines are split */

/* What of a guest's text has no newline yet. */
struct source {
    struct console_stream *stream;
    uint32_t len;
    uint64_t since; /* TSC when the first unshown byte came */
    enum escape escape;
    uint8_t line[SOURCE_LINE_MAX];
};

/* Our next line about the guest where it is due, else one record of the guest's ring; false: there
 * is neither. A line that stays unfinished for `partial`
 * ticks is shown as far as it goes; 0: never. */
bool source_pump(struct source *s, struct lines *lines, uint64_t now, uint64_t partial);

/* Our lines about the guest are on their way out: another guest's should not come between. */
bool source_has_note(const struct source *s);
