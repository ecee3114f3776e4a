/* SPDX-License-Identifier: MIT */
/*
 * trace: the last exits of a core's guest, and how many of each kind there were. The owning core
 * alone writes, on the exit path; any core reads, at any time. Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

#define TRACE_ROWS 16 /* a power of two */

/*
 * The last exits are a ring, in the form that costs the exit path least: a row is four stores, and
 * both halves of the rows lie on multiples of 256 bytes, so that the lowest byte of `next` wraps by
 * itself.
 */
struct trace_place {
    uint64_t time; /* TSC */
    uint64_t rip;
};
struct trace_what {
    uint32_t word; /* hw_code in 15:0, enum exit_kind in 23:16, enum verdict in 31:24 */
    uint32_t unused[3];
};
struct trace {
    ALIGNED(256) struct trace_place places[TRACE_ROWS];
    struct trace_what what[TRACE_ROWS];
    struct trace_place *next; /* where the next row goes; trace_reset() */
    uint64_t exits[EXIT_KIND_COUNT];
};
_Static_assert(TRACE_ROWS * sizeof(struct trace_place) == 256 &&
                   sizeof(struct trace_what) == sizeof(struct trace_place),
               "rows of both halves are as far apart as `next` counts");

/* One exit as it is read back. */
struct trace_row {
    uint64_t time; /* TSC when it left the guest */
    uint64_t rip;
    uint32_t hw_code; /* for virt_exit_name() */
    uint8_t kind;     /* enum exit_kind */
    uint8_t verdict;  /* enum verdict */
};

/* Forgets all. Before the first exit. */
void trace_reset(struct trace *t);

static inline struct trace_what *trace_what(struct trace_place *place)
{
    return (struct trace_what *)(void *)(place + TRACE_ROWS);
}

/* The next row. The verdict is the usual one, until another is noted. */
static inline void trace_exit(struct trace *t, const struct stay *stay, enum exit_kind kind)
{
    struct trace_place *place = t->next;

    place->time = stay->time;
    place->rip = stay->rip;
    trace_what(place)->word = (uint16_t)stay->hw_code | (uint32_t)kind << 16 |
                              (uint32_t)(kind == EXIT_TIMER ? DO_AGAIN : DO_NEXT) << 24;
    *(uint8_t *)&t->next += sizeof(*place); /* the lowest byte of the address */
    t->exits[kind]++;
}

/* Which row is next. */
static inline uint32_t trace_next(const struct trace *t)
{
    return (uint32_t)((uintptr_t)t->next / sizeof(struct trace_place) % TRACE_ROWS);
}

/* Another verdict than the usual one, for the last row. */
static inline void trace_verdict(struct trace *t, enum verdict verdict)
{
    struct trace_what *what = &t->what[(trace_next(t) - 1) % TRACE_ROWS];

    what->word = (what->word & UINT32_C(0xffffff)) | (uint32_t)verdict << 24;
}

uint64_t trace_count(const struct trace *t);

/* The exit `back` exits ago, 0: the last one; `back` < TRACE_ROWS and < trace_count(). */
struct trace_row trace_row(const struct trace *t, uint32_t back);

/* The last exits, the oldest first, in the order in which they happened; returns how many. Fewer
 * than there were where the owning core wrote over some meanwhile. */
uint32_t trace_copy(const struct trace *t, struct trace_row rows[TRACE_ROWS]);
