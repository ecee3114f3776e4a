/* SPDX-License-Identifier: MIT */
/*
 * vcpu: what a core with a vCPU does all its life: wait, run, leave the guest, decide, go on. The
 * only place that carries out verdicts.
 */
#pragma once

#include <stdatomic.h>

#include "guests/kit/abi.h"
#include "kernel/core/cpu.h"
#include "kernel/virt.h"
#include "kernel/vm/diagnosis.h"
#include "lib/types.h"
#include "vdev/refused.h"
#include "vdev/vapic.h"
#include "vdev/vcpuid.h"
#include "vdev/vmsr.h"

#define PUMPS_PER_SECOND 1000 /* while text waits: a UART's FIFO empties in 1.4 ms */

/* Requests to a vCPU, as bits of v->kick. Any core sets them with vcpu_request(). */
enum kick {
    KICK_START =
        1,         /* the guest begins a life: the lead vCPU loads and runs, others wait for SIPI */
    KICK_STOP = 2, /* the guest's life ends: park */
    KICK_INIT = 4, /* INIT from a sibling */
    KICK_SIPI = 8, /* SIPI from a sibling, vector in soft->sipi_vector */
    KICK_NMI = 16, /* NMI from a sibling */
    KICK_SHOW = 32,     /* the monitor wants the registers: into soft->shown */
    KICK_ASK_HALT = 64, /* whether it has halted for good: kernel/vm/halt.h */
    KICK_LOOK = 128,    /* the lead is to look what its parked guest waits for */
    KICK_DUE = 256,     /* by itself: soft->deadline has come */
};

enum vcpu_phase { VCPU_PARKED, VCPU_WAIT_SIPI, VCPU_RUNNING };

/*
 * The last exits, a ring. In the form that costs the exit path least: rows are 16 bytes apart, so
 * that `next` counts bytes and wraps by itself, and a row is four stores.
 */
#define TRACE_STEP (256 / TRACE_ROWS)
struct trace {
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

#define VCPU_CALLS 16 /* a power of two: a guest's number is an index, and masked */
_Static_assert(BULKHEAD_CALL_COUNT < VCPU_CALLS, "and one for unknown numbers");

/* Counters of one life. The owning core's alone to write; the monitor reads them as they are. */
struct vcpu_stats {
    uint64_t exits[EXIT_KIND_COUNT];
    uint64_t injected;          /* events */
    uint64_t calls[VCPU_CALLS]; /* hypercalls by number; BULKHEAD_CALL_COUNT: unknown ones */
    struct refused msrs, ports;
    struct trace trace;
};

/* The kernel's own part of a vCPU. The owning core's alone, except where a comment says else. */
struct vcpu_soft {
    enum vcpu_phase phase;
    uint64_t look_step;          /* the longest that v->look_at may be away; ticks */
    uint64_t deadline;           /* TSC; the first of those below */
    _Atomic uint8_t sipi_vector; /* siblings write */
    _Atomic bool at_rest;        /* only a sibling could wake it; siblings read. kernel/vm/halt.c */
    bool nmi_pending;            /* to be injected */
    bool timer_pending;          /* the PV timer's vector is to be injected */
    uint8_t timer_vector;
    uint64_t timer_deadline; /* TSC; UINT64_MAX: the PV timer is off */
    bool console_duty;       /* this core pumps the console, by a timer while its guest runs */
    bool console_busy;       /* ... soon, because text waits; else slowly, for input */
    uint64_t pump_deadline;  /* TSC; UINT64_MAX without the duty */
    uint64_t pump_ticks;     /* from text waiting to the next pump */
    uint64_t xcr0;
    struct vapic apic;
    struct vapic_peers peers;
    struct vmsr msr;
    struct vcpuid cpuid;
    uint64_t watchdog_deadline; /* TSC; UINT64_MAX: none; of a life, the lead vCPU's alone */
    _Atomic uint64_t sign; /* its last watchdog call, TSC; kernel/vm/watchdog.c has the rules */
    struct vcpu_stats stats;
    enum vcpu_phase ended_in;     /* its phase when the last life ended */
    struct vcpu_state shown;      /* what KICK_SHOW asked for, or how the last life ended ... */
    _Atomic uint32_t shown_count; /* ... and how often it was answered */
};

/* A row of the trace, by the bytes from the first. */
static inline void *trace_at(void *rows, uint8_t at)
{
    return (uint8_t *)rows + at;
}

/* The next row's first half, as soon as the guest has left. Returns where it is ... */
static inline uint8_t trace_stay(struct vcpu_stats *stats, const struct vcpu_stay *stay)
{
    struct trace *t = &stats->trace;
    const uint8_t at = t->next;
    __typeof__(&t->when[0]) when = trace_at(t->when, at);

    when->time = stay->time;
    when->rip = stay->rip;
    return at;
}

/* ... for the second half, once it is known why. The verdict is the usual one, until another is
 * noted. */
static inline void trace_exit(struct vcpu_stats *stats, uint8_t at, uint64_t reason,
                              enum exit_kind kind)
{
    struct trace *t = &stats->trace;
    __typeof__(&t->what[0]) what = trace_at(t->what, at);

    what->word = (uint16_t)reason | (uint32_t)kind << 16 |
                 (uint32_t)(kind == EXIT_TIMER ? DO_AGAIN : DO_NEXT) << 24;
    t->next += TRACE_STEP;
    stats->exits[kind]++;
}

uint64_t vcpu_exit_count(const struct vcpu_stats *stats);

/* The exit `back` exits ago, 0: the last one; `back` < TRACE_ROWS and < vcpu_exit_count(). */
struct trace_row trace_row(const struct vcpu_stats *stats, uint32_t back);

/* The last exits, the oldest first, in the order in which they happened; returns how many. Fewer
 * than there were where the owning core wrote over some meanwhile. Any core. */
uint32_t trace_copy(const struct vcpu_stats *stats, struct trace_row rows[TRACE_ROWS]);

/* The life of a core that has a vCPU. On that core, VMX on. Does not return. */
NORETURN void vcpu_thread(struct vcpu *v);

/* Any core: sets request bits (or none) and makes the owning core look. */
void vcpu_request(struct vcpu *v, uint32_t kicks);

/* The exits that ask this core to look at itself. On v's own core. */
enum verdict vcpu_on_kick(struct vcpu *v);
enum verdict vcpu_on_window(struct vcpu *v);
enum verdict vcpu_on_halt(struct vcpu *v);

/* Looks at the deadlines, as of `now`. On v's own core. */
enum verdict vcpu_look(struct vcpu *v, uint64_t now);

/* After a deadline has changed. vcpu_timer.c */
void vcpu_update_timer(struct vcpu *v);

/* At an exit at or after v->look_at. vcpu_timer.c */
void vcpu_near_deadline(struct vcpu *v, uint64_t now);

/* Text was put into the guest's ring: see that it is pumped soon. On the exit path. */
void vcpu_hurry_console(struct vcpu *v);

static inline void vcpu_has_output(struct vcpu *v, const struct vcpu_soft *soft)
{
    if (__builtin_expect(soft->console_duty && !soft->console_busy, 0))
        vcpu_hurry_console(v);
}
