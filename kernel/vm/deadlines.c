/* SPDX-License-Identifier: MIT */
#include "kernel/vm/deadlines.h"

#include "kernel/vm/crash.h"
#include "kernel/vm/inject.h"
#include "kernel/vm/traced.h"
#include "kernel/vm/watchdog.h"
#include "lib/bits.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define LOOK_STEPS_LOG2 4

/* All three at hand: an instruction counts here. */
static inline void deadlines_set(struct vcpu *v, const struct vcpu_soft *soft, uint64_t deadline)
{
    if (__builtin_expect(soft->is_apart, 0))
        traced_set_deadline(v, deadline);
    else
        virt_set_deadline(v, deadline);
}

/*
 * The backend's timer ends an exit-free stay, but may stand still outside the guest. So each exit
 * compares the time with v->look_at, which comes a few times on the way to the deadline: then the
 * timer is set anew. It is late by no more than the exits since the last time took, and that is
 * less than a 16th of the whole way.
 */
FLATTEN void deadlines_update(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    const uint64_t deadline =
        min_u64(soft->timer_deadline, min_u64(soft->pump_deadline, soft->watchdog_deadline));

    if (deadline == soft->deadline)
        return;
    const uint64_t now = rdtsc();
    soft->deadline = deadline;
    soft->look_step = ticks_since(deadline, now) >> LOOK_STEPS_LOG2;
    v->look_at = now + soft->look_step;
    deadlines_set(v, soft, deadline);
}

/* An exit at or after look_at. The deadline itself is acted on when that exit has been dealt with;
 * on the way there the steps get shorter at the end, so that none leads far past it. */
NOINLINE void deadlines_near(struct vcpu *v, uint64_t now)
{
    struct vcpu_soft *soft = v->soft;

    const uint64_t deadline = soft->deadline;

    if (now >= deadline) {
        atomic_fetch_or(&v->kick, KICK_DUE);
        return;
    }
    v->look_at = now + min_u64(soft->look_step, ticks_since(deadline, now) / 2);
    if (__builtin_expect(soft->is_apart, 0))
        traced_look(v, deadline);
    else
        virt_set_deadline(v, deadline);
}

void deadlines_set_console(struct vcpu *v, uint64_t deadline, bool is_busy)
{
    struct vcpu_soft *soft = v->soft;

    soft->console_busy = is_busy;
    soft->pump_deadline = deadline;
    if (soft->phase == VCPU_RUNNING)
        deadlines_update(v);
}

void deadlines_hurry_console(struct vcpu *v)
{
    deadlines_set_console(v, rdtsc() + v->soft->pump_ticks, true);
}

/* Whether the guest has not called for too long; else the deadline moves to its last call's. */
static bool deadlines_watchdog_is_over(struct vcpu *v, uint64_t now)
{
    if (v->soft->watchdog_deadline > now)
        return false;
    uint32_t silent;
    v->soft->watchdog_deadline = watchdog_last_sign(v->vm, &silent) + v->vm->watchdog_ticks;
    return v->soft->watchdog_deadline <= now;
}

/* Shown with the exit at which it was noticed. */
NOINLINE COLD static enum verdict deadlines_end_silent(struct vcpu *v)
{
    const struct vcpu_exit x = {.kind = EXIT_TIMER,
                                .hw_code = trace_row(&v->soft->stats.trace, 0).hw_code};

    char why[WATCHDOG_WORDS];

    watchdog_words(v->vm, why);
    return crash_guest(v, &x, "%s", why);
}

enum verdict deadlines_look(struct vcpu *v, uint64_t now)
{
    struct vcpu_soft *soft = v->soft;

    if (now < soft->deadline) { /* whoever ended the stay was early */
        deadlines_near(v, now);
        return DO_AGAIN;
    }
    if (soft->timer_deadline <= now) {
        soft->timer_deadline = UINT64_MAX;
        soft->timer_pending = true;
        inject_pending(v);
    }
    if (deadlines_watchdog_is_over(v, now))
        return deadlines_end_silent(v);
    if (soft->pump_deadline <= now)
        return DO_LEAVE;
    deadlines_update(v);
    return DO_AGAIN;
}

uint64_t deadlines_look_waiting(struct vcpu *v, uint64_t now)
{
    char why[WATCHDOG_WORDS];

    /* A guest can send its own lead back to wait for a SIPI: its watchdog goes on. */
    if (deadlines_watchdog_is_over(v, now)) {
        v->soft->watchdog_deadline = UINT64_MAX;
        watchdog_words(v->vm, why);
        crash_waiting(v, why);
    }
    return v->soft->watchdog_deadline;
}
