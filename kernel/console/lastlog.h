/* SPDX-License-Identifier: MIT */
/*
 * lastlog: keeps the hypervisor's lines in memory that survives a reset, so that after a panic the
 * next boot can show them. Pure; the owner of the memory decides where it is.
 *
 * The memory has two halves: this boot writes one, the previous boot's stays readable in the
 * other. What is found there is checked and filtered, because it may be anything: after a cold
 * start it is noise.
 *
 * A half has parts with separate space: the lines about one guest's crashes replace neither
 * another's nor the common lines, and vice versa. Lines are numbered, so that the parts are read in
 * the order in which they were written.
 */
#pragma once

#include "lib/types.h"

#define LASTLOG_COMMON  0  /* the part of all other lines */
#define LASTLOG_CRASHES 16 /* parts for guests' crashes; guests 16 apart share one */
#define LASTLOG_PARTS   (1 + LASTLOG_CRASHES)

struct lastlog_half;

struct lastlog {
    struct lastlog_half *current;        /* NULL: no memory; then every call does nothing */
    const struct lastlog_half *previous; /* NULL: nothing usable was found */
    uint32_t number;                     /* of the next line */
};

/* `memory` is 8-byte aligned. Finds the previous boot's lines and begins this boot's. */
void lastlog_init(struct lastlog *l, void *memory, size_t size);

/* The part of guest `index`'s crashes. */
static inline uint32_t lastlog_crash(uint32_t index)
{
    return 1 + index % LASTLOG_CRASHES;
}

/* One line without its newline, to part `part`. One caller at a time. */
void lastlog_append(struct lastlog *l, uint32_t part, const char *line, size_t len);

/* How many lines of the previous boot are kept. */
uint32_t lastlog_count(const struct lastlog *l);

/* Lines on their way out: a stretch of this boot's or the previous one's. */
struct lastlog_lines {
    const struct lastlog_half *half; /* NULL: none */
    uint64_t at[LASTLOG_PARTS], end[LASTLOG_PARTS];
};

/* The last `count` common lines, or as many as are kept, and all that is kept of crashes. Lines
 * that come later are not among them. */
struct lastlog_lines lastlog_tail(const struct lastlog *l, bool previous, uint32_t count);

/* The next line in the order of writing, cut to fit; false: that was the last one. Lines that were
 * overwritten since lastlog_tail() are left out. */
MUST_CHECK bool lastlog_next(struct lastlog_lines *lines, char *line, size_t size);
