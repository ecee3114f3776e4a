/* SPDX-License-Identifier: MIT */
/*
 * trace_long: the last exits of a vCPU whose guest has `trace` in the file, each with what the
 * short ring of trace.h has no room for. The owning core alone writes, once an exit has been dealt
 * with; any core reads, at any time. Pure.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/core/trace.h"
#include "kernel/virt.h"
#include "lib/types.h"

struct trace_entry {
    struct trace_row row;
    uint32_t ticks;              /* of the TSC, until it had been dealt with; UINT32_MAX: or more */
    uint64_t info;               /* what the processor says beside the reason: virt_info() ... */
    uint64_t extra;              /* ... and the second of them */
    uint64_t before[LEFT_COUNT]; /* as the guest left */
    uint64_t after[LEFT_COUNT];  /* as it goes on */
};

struct trace_place_long {
    ALIGNED(128) _Atomic uint64_t number; /* of the exit in this life, from 1; 0: is written */
    struct trace_entry entry;
};

struct trace_long {
    struct trace_place_long *places; /* NULL: there is none, and what follows is 0 */
    uint32_t count;                  /* a power of two */
    _Atomic bool is_held;            /* somebody reads: the owning core keeps no more meanwhile */
    _Atomic uint64_t newest;         /* number of the latest exit; trace_long_reset(): 0 */
};
_Static_assert(sizeof(struct trace_place_long) == 128, "of no other row's cache lines");

static inline uint64_t trace_long_bytes(uint32_t count)
{
    return count * sizeof(struct trace_place_long);
}

/* A new life begins: forgets all. */
void trace_long_reset(struct trace_long *t);

/* The exit with this number, later than all before it. */
void trace_long_put(struct trace_long *t, uint64_t number, const struct trace_entry *entry);

/* The number of the oldest that is kept, 1 or more; no exit yet: `newest` + 1. */
uint64_t trace_long_first(const struct trace_long *t);

/* False: it was never there, or the owning core has written over it. */
MUST_CHECK bool trace_long_get(const struct trace_long *t, uint64_t number,
                               struct trace_entry *entry);
