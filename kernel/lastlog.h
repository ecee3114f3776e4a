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

/* The previous boot's line `back` lines before its last one, cut to fit; false: none there. */
MUST_CHECK bool lastlog_get(const struct lastlog *l, uint32_t back, char *line, size_t size);
