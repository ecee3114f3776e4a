/* SPDX-License-Identifier: MIT */
/*
 * merge: the guests' text and the hypervisor's own lines, in turns, onto one terminal. Works in
 * small steps, so that its caller can stop at any time. Pure. Caller: whoever holds the console's
 * lock, which does not guard the log ring: that one has a lock of its own, the inner one.
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/console/guest_lines.h"
#include "kernel/console/line_ring.h"
#include "kernel/console/output.h"
#include "kernel/console/turns.h"
#include "lib/types.h"

struct merge {
    struct output lines;
    struct turns turns;
    struct line_ring log;
    uint32_t guest_lines_count;
    struct guest_lines sources[GUESTS_MAX];
};

void merge_init(struct merge *m);

/* One more guest; returns its number. */
uint32_t merge_add(struct merge *m, struct console_stream *stream);

/* At most one line, or some bytes of a guest, by whoever has a turn; false: nobody has anything to
 * say, or the terminal has no room. `prefix` is that of our own lines; `partial` as in
 * guest_lines_pump(). */
bool merge_step(struct merge *m, const char *prefix, uint64_t now, uint64_t partial);

/* Something waits, if only for time to pass. */
bool merge_is_waiting(const struct merge *m);
