/* SPDX-License-Identifier: MIT */
/*
 * output: the lines of many sources on one terminal, each row after a prefix and no line inside
 * another, with the monitor's prompt below them. Caller: the holder of the console lock.
 *
 * A terminal wraps what is longer than a row, and what it puts into the next one could look like
 * somebody else's line. So a source's line is split into rows here, before the terminal would do
 * it: `[name] text`, and each row after it `[name]+ text`. That needs the columns of the terminal:
 * 80, or those of the screen where it has fewer. The hypervisor's lines stay whole; no source can
 * make a row without a prefix.
 */
#pragma once

#include "kernel/console/prompt.h"
#include "kernel/console/terminal.h"
#include "lib/types.h"

/* Our own lines begin with this. */
#define OUTPUT_OWN "[bulkhead] "

/* Who is behind a "[name]". Known by its address; `name` stays. */
struct speaker {
    const char *name;
    bool inside; /* the beginning of its line is on the terminal, its end is not */
};

struct output {
    struct terminal terminal;
    const struct speaker *open; /* whose unfinished line the terminal's last row is; NULL: none */
    uint32_t column;            /* of that row: where the next character goes, at most */
    struct prompt prompt;
    uint64_t put, hidden; /* TSC of the last line, and since when there is no prompt */
    uint64_t tsc_hz;      /* 0: not known yet */
};

/* Of one text by a speaker: columns, a tab counting as 8. */
#define OUTPUT_COLUMNS 200

/* A line, or with `more` the beginning of one; or the rest of what began so. Text of a speaker is
 * plain characters and tabs (utf8_is_plain()) of at most OUTPUT_COLUMNS. Without a speaker it has
 * its prefix. Room: 2 * len + OUTPUT_ROOM. */
void output_put(struct output *l, struct speaker *speaker, const uint8_t *text, uint32_t len,
                bool more, uint64_t now);

/* Shows, changes or hides the prompt: it comes back when no lines have come for a moment. */
void output_prompt(struct output *l, bool wanted, bool lines_wait, uint64_t now);

#define OUTPUT_NAME_MAX 16
#define OUTPUT_PREFIX   (OUTPUT_NAME_MAX - 1 + 4) /* "[name]+ " */

/* A row takes at least so many columns of a text: where the next character is a tab, there may be
 * seven more that it did not fit in. */
#define OUTPUT_ROW_LEAST (SCREEN_COLUMNS_MIN - 1 - OUTPUT_PREFIX - 7)
#define OUTPUT_ROWS      (OUTPUT_COLUMNS / OUTPUT_ROW_LEAST + 2)
#define OUTPUT_PROMPT    (PROMPT_MAX + 2) /* of prompt_hide() */
#define OUTPUT_ROOM      (OUTPUT_PROMPT + 2 + OUTPUT_ROWS * (OUTPUT_PREFIX + 2))
