/* SPDX-License-Identifier: MIT */
/*
 * trace: the last exits of a core's guest, and how many of each kind there were. The owning core
 * alone writes, on the exit path; any core reads, at any time. Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

#define TRACE_ROWS 16 /* a power of two */
#define TRACE_STEP (256 / TRACE_ROWS)

/*
 * The last exits are a ring, in the form that costs the exit path least: rows are 16 bytes apart,
 * so that `next` counts bytes and wraps by itself, and a row is four stores.
 */
struct trace {
    uint64_t exits[EXIT_KIND_COUNT];
    uint8_t next; /* where the next row goes: its number times TRACE_STEP */
    struct {
        uint64_t time; /* TSC */
        uint64_t rip;
    } when[TRACE_ROWS];
    struct {
        uint32_t word; /* reason in 15:0, enum exit_kind in 23:16, enum verdict in 31:24 */
        uint32_t unused[3];
    } what[TRACE_ROWS];
};
_Static_assert(TRACE_STEP == 16, "rows of both parts are as far apart as `next` counts");

/* One exit as it is read back. */
struct trace_row {
    uint64_t time; /* TSC when it left the guest */
    uint64_t rip;
    uint32_t reason; /* the hardware's number */
    uint8_t kind;    /* enum exit_kind */
    uint8_t verdict; /* enum verdict */
};

/* A row of the trace, by the bytes from the first. */
static inline void *trace_at(void *rows, uint8_t at)
{
    return (uint8_t *)rows + at;
}

/* The next row's first half, as soon as the guest has left. Returns where it is ... */
static inline uint8_t trace_stay(struct trace *t, const struct vcpu_stay *stay)
{
    const uint8_t at = t->next;
    __typeof__(&t->when[0]) when = trace_at(t->when, at);

    when->time = stay->time;
    when->rip = stay->rip;
    return at;
}

/* ... for the second half, once it is known why. The verdict is the usual one, until another is
 * noted. */
static inline void trace_exit(struct trace *t, uint8_t at, uint64_t reason, enum exit_kind kind)
{
    __typeof__(&t->what[0]) what = trace_at(t->what, at);

    what->word = (uint16_t)reason | (uint32_t)kind << 16 |
                 (uint32_t)(kind == EXIT_TIMER ? DO_AGAIN : DO_NEXT) << 24;
    t->next += TRACE_STEP;
    t->exits[kind]++;
}

/* Another verdict than the usual one, for the last row. */
static inline void trace_verdict(struct trace *t, enum verdict verdict)
{
    __typeof__(&t->what[0]) what = trace_at(t->what, (uint8_t)(t->next - TRACE_STEP));

    what->word = (what->word & UINT32_C(0xffffff)) | (uint32_t)verdict << 24;
}

uint64_t trace_count(const struct trace *t);

/* The exit `back` exits ago, 0: the last one; `back` < TRACE_ROWS and < trace_count(). */
struct trace_row trace_row(const struct trace *t, uint32_t back);

/* The last exits, the oldest first, in the order in which they happened; returns how many. Fewer
 * than there were where the owning core wrote over some meanwhile. */
uint32_t trace_copy(const struct trace *t, struct trace_row rows[TRACE_ROWS]);
