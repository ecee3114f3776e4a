/* SPDX-License-Identifier: MIT */
/*
 * line_ring: the hypervisor's own lines on their way to the console: those of its log, and those
 * about one guest (a life begins, a life ends, a diagnosis), each at its place among what the guest
 * itself says. Putting a line never waits for the console; one that finds no room is counted, and
 * the count is shown in its place. Pure.
 *
 * Any core puts, one at a time; the core that pumps the console takes.
 */
#pragma once

#include <stdatomic.h>

#include "lib/lock.h"
#include "lib/log.h"
#include "lib/types.h"

#define LINE_RING_BYTES (32 * 1024)         /* a power of two; three diagnoses, and restarts */
#define LINE_RING_LINE  (LOG_LINE_MAX + 16) /* the longest line with its prefix */

/* What is said of a crash is kept apart in the log in memory, each guest's for itself. */
enum note_kind { NOTE_LIFE, NOTE_CRASH };

/* Stands before each line's text. */
struct line_mark {
    uint32_t place; /* tx_place() of the guest's ring; else 0 */
    uint32_t len;
    uint64_t when; /* TSC; else 0 */
};

struct line_ring {
    struct lock lock;      /* producers */
    _Atomic uint32_t head; /* bytes, producers */
    _Atomic uint32_t tail; /* bytes, the consumer */
    _Atomic uint32_t lost; /* since the last one taken; shown once those before are out */
    uint8_t bytes[LINE_RING_BYTES];
};

void line_ring_put(struct line_ring *r, uint32_t place, uint64_t when, const char *text,
                   size_t len);

/* The oldest one's; false: there is none. Consumer only. */
MUST_CHECK bool line_ring_first(const struct line_ring *r, struct line_mark *mark);

/* "prefix" "text" of the oldest one, its length; 0: there is none. After the last line before a
 * loss comes one that says how many were lost. Consumer only. */
uint32_t line_ring_take(struct line_ring *r, const char *prefix, uint8_t line[LINE_RING_LINE]);

/* The place behind all that was put; and whether something before a place is still to be taken. */
uint32_t line_ring_place(const struct line_ring *r);
MUST_CHECK bool line_ring_is_before(const struct line_ring *r, uint32_t place);

/* There is neither a line nor a loss to be shown. A glance, from any core. */
bool line_ring_is_empty(const struct line_ring *r);
