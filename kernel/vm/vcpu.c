/* SPDX-License-Identifier: MIT */
#include "kernel/vm/vcpu.h"

#include "kernel/core/cpu.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/debug.h"
#include "kernel/vm/exit.h"
#include "kernel/vm/life.h"
#include "kernel/vm/requests.h"
#include "kernel/vm/traced.h"
#include "kernel/vm/vm.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

static void vcpu_wait(struct vcpu *v)
{
    const uint64_t now = rdtsc();
    uint64_t until = v->soft->pump_deadline;

    if (v->soft->phase == VCPU_PARKED && v->index == 0)
        until = min_u64(until, life_look(v->vm, now));
    if (v->soft->phase == VCPU_WAIT_SIPI)
        until = min_u64(until, deadlines_look_waiting(v, now));
    if (until == UINT64_MAX)
        cpu_wait(&v->kick);
    else
        cpu_wait_until(&v->kick, until);
}

/* ------------------------------------------------------------------ the loop */

/* Carries out the verdicts that are seldom; false: out of the loop. */
NOINLINE static bool vcpu_apply(struct vcpu *v, enum verdict verdict)
{
    struct vcpu_stats *stats = &v->soft->stats;

    switch (verdict) {
    case DO_NEXT: /* vcpu_run()'s */
    case DO_AGAIN:
    case DO_REFLECT: /* vcpu_handle_slow()'s */
        break;
    case DO_GP:
        trace_verdict(&stats->trace, DO_GP);
        stats->injected++;
        virt_inject_exception(v, VECTOR_GP, true, 0);
        break;
    case DO_UD:
        trace_verdict(&stats->trace, DO_UD);
        stats->injected++;
        virt_inject_exception(v, VECTOR_UD, false, 0);
        break;
    case DO_LEAVE: /* says nothing of the guest's exit */
        if (v->is_traced)
            traced_note(v);
        return false;
    case DO_STOP: /* the request is among our kicks, unless another core is about to put it there */
        trace_verdict(&stats->trace, DO_STOP);
        if (v->is_traced)
            traced_note(v);
        return requests_take(v) != DO_LEAVE;
    }
    return true;
}

/* An exit of the kinds that are never many. */
NOINLINE static enum verdict vcpu_handle_slow(struct vcpu *v, enum exit_kind kind, uint32_t hw_code)
{
    struct vcpu_exit x;

    virt_details(v, kind, hw_code, &x);
    const enum verdict verdict = exit_dispatch(v, &x);
    trace_verdict(&v->soft->stats.trace, verdict);
    if (verdict != DO_REFLECT)
        return verdict;
    virt_reflect(v, &x);
    return DO_AGAIN;
}

/* Until this core no longer runs its guest, or has something else to do in between. No address of
 * `stay` leaves this function, once all is inlined: so it is in registers. */
static void vcpu_run(struct vcpu *v)
{
    for (;;) {
        struct stay stay = {0};
        enum verdict verdict;

        virt_run(v, &stay);
        struct vcpu_soft *soft = v->soft;
        if (!exit_fast(v, soft, &stay, &verdict)) {
            trace_exit(&soft->stats.trace, &stay, stay.kind);
            verdict = vcpu_handle_slow(v, stay.kind, stay.hw_code);
        }
        if (__builtin_expect(verdict == DO_NEXT, 1))
            virt_advance(v, &stay);
        else if (verdict != DO_AGAIN && !vcpu_apply(v, verdict))
            return;
        if (__builtin_expect(stay.time >= v->look_at, 0))
            deadlines_near(v, stay.time);
    }
}

void vcpu_loop(struct vcpu *v)
{
    v->cpu->loop_caller = __builtin_return_address(0); /* no frame of ours says so */
    for (;;) {
        if (atomic_load(&v->kick))
            (void)requests_take(v);
        if (v->soft->pump_deadline <= rdtsc())
            break;
        if (debug_is_held(v)) /* awake: its APIC's interrupts are the guest's, and wait there */
            cpu_pause();
        else if (v->soft->phase == VCPU_RUNNING)
            vcpu_run(v);
        else
            vcpu_wait(v); /* also between two of many kicks */
    }
    v->cpu->loop_caller = NULL;
}
