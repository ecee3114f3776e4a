/* SPDX-License-Identifier: MIT */
/*
 * lines: the lines of many speakers on one terminal, each behind its prefix and none inside
 * another, with the monitor's prompt below them. Caller: whoever holds the console's lock.
 */
#pragma once

#include "kernel/prompt.h"
#include "kernel/terminal.h"
#include "lib/types.h"

/* Our own lines begin with this. */
#define LINES_OWN "[bulkhead] "

struct lines {
    struct terminal terminal;
    const char *open; /* the speaker whose unfinished line stands on the terminal; NULL: none */
    struct prompt prompt;
    uint64_t put, hidden; /* TSC of the last line, and since when there is no prompt */
    uint64_t tsc_hz;      /* 0: not known yet */
};

/* A line, or with `more` the beginning of one. `speaker`: a name that becomes "[name] " unless its
 * line stands open already, and is known by its address; NULL: the text has its prefix. Room:
 * 2 * len + LINES_ROOM. */
void lines_put(struct lines *l, const char *speaker, const uint8_t *text, uint32_t len, bool more,
               uint64_t now);

/* Shows, changes or hides the prompt: it comes back when no lines have come for a moment. */
void lines_prompt(struct lines *l, bool wanted, bool lines_wait, uint64_t now);

#define LINES_NAME_MAX 16
#define LINES_ROOM     (PROMPT_ROOM + LINES_NAME_MAX + 8)
