/* SPDX-License-Identifier: MIT */
/*
 * lastlog: keeps our own lines in memory that a reset does not erase, so that after a panic the
 * next boot can show what the one before it said. Pure; who owns the memory decides where it is.
 *
 * The memory has two halves: this boot writes one, the previous boot's stays readable in the
 * other. What is found there is checked and filtered, because it may be anything: after a cold
 * start it is noise.
 */
#pragma once

#include "lib/types.h"

struct lastlog_half;

struct lastlog {
    struct lastlog_half *current;        /* NULL: no memory; then every call does nothing */
    const struct lastlog_half *previous; /* NULL: nothing usable was found */
};

/* `memory` is 8-byte aligned. Finds the previous boot's lines and begins this boot's. */
void lastlog_init(struct lastlog *l, void *memory, size_t size);

/* One line without its newline. One caller at a time. */
void lastlog_append(struct lastlog *l, const char *line, size_t len);

/* How many lines of the previous boot are kept. */
uint32_t lastlog_count(const struct lastlog *l);

/* Lines on their way out: a stretch of this boot's or the previous one's. */
struct lastlog_lines {
    const struct lastlog_half *half; /* NULL: none */
    uint64_t at, end;
};

/* The last `count` lines, or as many as are kept. Lines that come later are not among them. */
struct lastlog_lines lastlog_tail(const struct lastlog *l, bool previous, uint32_t count);

/* The next line, cut to fit; false: that was the last one. Lines that were overwritten since
 * lastlog_tail() are left out. */
MUST_CHECK bool lastlog_next(struct lastlog_lines *lines, char *line, size_t size);
