/* SPDX-License-Identifier: MIT */
/*
 * vcpu_timer: sees that a vCPU's deadlines are noticed in time, whether its guest makes exits or
 * none. What is done about them is vcpu_look()'s.
 *
 * The backend's timer ends an exit-free stay, but stands still outside the guest. So each exit
 * compares the time with v->look_at, which comes a few times on the way to the deadline: then the
 * timer is set anew. It is late by no more than the exits since the last time took, and that is
 * less than a 16th of the whole way.
 */
#include "kernel/vm/vcpu.h"
#include "lib/bits.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

#define LOOK_STEPS_LOG2 4

void vcpu_update_timer(struct vcpu *v)
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
    virt_set_timer(v, deadline);
}

/* An exit at or after look_at. The deadline itself is acted on when that exit has been dealt with;
 * on the way there the steps get shorter at the end, so that none leads far past it. */
NOINLINE void vcpu_near_deadline(struct vcpu *v, uint64_t now)
{
    struct vcpu_soft *soft = v->soft;

    if (now >= soft->deadline) {
        atomic_fetch_or(&v->kick, KICK_DUE);
        return;
    }
    v->look_at = now + min_u64(soft->look_step, ticks_since(soft->deadline, now) / 2);
    virt_set_timer(v, soft->deadline);
}
