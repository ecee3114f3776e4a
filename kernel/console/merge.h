/* SPDX-License-Identifier: MIT */
/*
 * merge: the guests' text and the hypervisor's own lines, in turns, onto one terminal; or the bytes
 * of one guest alone (raw.h), while the others' latest text and our lines wait in their rings.
 * Works in small steps, so that its caller can stop at any time. Pure. Caller: the holder of the
 * console lock, which does not guard the log ring: that has its own lock, the inner one.
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/console/guest_lines.h"
#include "kernel/console/line_ring.h"
#include "kernel/console/output.h"
#include "kernel/console/raw.h"
#include "kernel/console/turns.h"
#include "lib/types.h"

struct merge {
    struct output lines;
    struct turns turns;
    struct raw raw;
    struct line_ring log;
    uint32_t guest_lines_count;
    struct guest_lines sources[GUESTS_MAX];
};

void merge_init(struct merge *m);

/* One more guest; returns its number. */
uint32_t merge_add(struct merge *m, struct console_stream *stream);

/* The terminal for a guest alone, once what was logged so far is out. Not while it is another's:
 * nothing happens then. */
void merge_attach(struct merge *m, uint32_t guest);

/* It is everybody's again, soon. */
void merge_detach(struct merge *m, enum raw_end end);

/* At most one line, or some bytes of a guest, by whoever has a turn; false: nobody has anything to
 * say, or the terminal has no room. `prefix` is that of our own lines; `partial` as in
 * guest_lines_pump(). */
bool merge_step(struct merge *m, const char *prefix, uint64_t now, uint64_t partial);

/* Something waits, if only for time to pass. */
bool merge_is_waiting(const struct merge *m);

/* A guest's, or "". */
const char *merge_name(const struct merge *m, uint32_t guest);

/* For a panic: our lines that wait, at once, below what stands there. Without locks: their owner
 * may be the one that failed, and every other core is stopped, perhaps in the middle of a line. */
void merge_emergency(struct merge *m, const char *prefix);
