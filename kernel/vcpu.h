/* SPDX-License-Identifier: MIT */
/*
 * vcpu: what a core with a vCPU does all its life: wait, run, leave the guest, decide, go on. The
 * only place that carries out verdicts.
 */
#pragma once

#include <stdatomic.h>

#include "guests/kit/abi.h"
#include "kernel/cpu.h"
#include "kernel/diagnosis.h"
#include "kernel/virt.h"
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
    KICK_SHOW = 32, /* the monitor wants the registers: into soft->shown */
};

enum vcpu_phase { VCPU_PARKED, VCPU_WAIT_SIPI, VCPU_RUNNING };

/* Counters of one life. The owning core's alone to write; the monitor reads them as they are. */
struct vcpu_stats {
    uint64_t exits[EXIT_KIND_COUNT];
    uint64_t injected;                       /* events */
    uint64_t calls[BULKHEAD_CALL_COUNT + 1]; /* hypercalls by number; last: unknown ones */
    struct refused msrs, ports;
    uint32_t trace_next;
    struct trace_row trace[TRACE_ROWS]; /* a ring */
};

/* The kernel's own part of a vCPU. The owning core's alone, except where a comment says else. */
struct vcpu_soft {
    enum vcpu_phase phase;
    _Atomic uint8_t sipi_vector; /* siblings write */
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
    uint64_t retry_deadline;    /* TSC; UINT64_MAX: nothing waits to be injected */
    uint64_t watchdog_deadline; /* TSC; UINT64_MAX: none; the lead vCPU's alone */
    struct vcpu_stats stats;
    struct vcpu_state shown;      /* what KICK_SHOW asked for ... */
    _Atomic uint32_t shown_count; /* ... and how often it was answered */
};

/* The life of a core that has a vCPU. On that core, VMX on. Does not return. */
NORETURN void vcpu_thread(struct vcpu *v);

/* Any core: sets request bits (or none) and makes the owning core look. */
void vcpu_request(struct vcpu *v, uint32_t kicks);

/* The three exits that ask this core to look at itself. On v's own core; DO_AGAIN. */
enum verdict vcpu_on_kick(struct vcpu *v);
enum verdict vcpu_on_timer(struct vcpu *v, const struct vcpu_exit *x);
enum verdict vcpu_on_window(struct vcpu *v);

/* After the PV timer or the console's deadline changed. */
void vcpu_update_timer(struct vcpu *v);

/* Text was put into the guest's ring: see that it is pumped soon. On the exit path. */
void vcpu_hurry_console(struct vcpu *v);

static inline void vcpu_has_output(struct vcpu *v)
{
    if (__builtin_expect(v->soft->console_duty && !v->soft->console_busy, 0))
        vcpu_hurry_console(v);
}
