/* SPDX-License-Identifier: MIT */
#include "kernel/vm/vcpu.h"

#include <stdarg.h>

#include "drivers/lapic.h"
#include "kernel/core/panic.h"
#include "kernel/monitor/monitor.h"
#include "kernel/vm/crash.h"
#include "kernel/vm/exit.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/partition.h"
#include "kernel/vm/reset.h"
#include "kernel/vm/watchdog.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

void vcpu_request(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
    if (v->cpu != this_cpu())
        cpu_kick(v->cpu);
}

void vcpu_hurry_console(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    soft->console_busy = true;
    soft->pump_deadline = rdtsc() + soft->pump_ticks;
    vcpu_update_timer(v);
}

/* ------------------------------------------------------------------ stopping */

enum verdict vcpu_crash(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
{
    char why[LOG_LINE_MAX];
    va_list args;

    if (!partition_end(v->vm, (struct vm_end){.kind = VM_END_CRASH}))
        return DO_STOP; /* it ends already, for another reason */
    va_start(args, fmt);
    fmt_vprint(why, sizeof(why), fmt, args);
    va_end(args);
    crash_begin(v);
    crash_tell(v->vm, "guest '%s' vCPU %u on core #%u is stopped: %s", v->vm->name, v->index,
               v->cpu->id, why);
    crash_print(v, x);
    return DO_STOP;
}

/* ------------------------------------------------------------------ between two stays */

/* What waits to be injected; what the guest cannot take yet comes here again at the exit for which
 * the backend has asked. */
static void vcpu_inject(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    if (soft->nmi_pending && virt_inject_nmi(v)) {
        soft->nmi_pending = false;
        soft->stats.injected++;
    }
    if (soft->timer_pending && virt_inject_interrupt(v, soft->timer_vector)) {
        soft->timer_pending = false;
        soft->stats.injected++;
    }
}

enum verdict vcpu_on_window(struct vcpu *v)
{
    vcpu_inject(v);
    return DO_AGAIN;
}

/* The guest halts before it was seen to take interrupts: if it does now, it wakes at once. The CPL
 * is looked at because an emulator may exit before it finds the fault. */
enum verdict vcpu_on_halt(struct vcpu *v)
{
    if (virt_cpl(v) != 0)
        return DO_GP;
    virt_halt(v);
    vcpu_inject(v);
    return DO_NEXT;
}

/* Whether the guest has not called for too long; else the deadline moves to its last call's. */
static bool vcpu_watchdog_expired(struct vcpu *v, uint64_t now)
{
    if (v->soft->watchdog_deadline > now)
        return false;
    uint32_t silent;
    v->soft->watchdog_deadline = watchdog_last_sign(v->vm, &silent) + v->vm->watchdog_ticks;
    return v->soft->watchdog_deadline <= now;
}

/* Shown with the exit at which it was noticed. */
NOINLINE COLD static enum verdict vcpu_bite(struct vcpu *v)
{
    const struct vcpu_exit x = {.kind = EXIT_TIMER,
                                .raw_reason = trace_row(&v->soft->stats, 0).reason};

    char why[WATCHDOG_WORDS];

    watchdog_words(v->vm, why);
    return vcpu_crash(v, &x, "%s", why);
}

enum verdict vcpu_look(struct vcpu *v, uint64_t now)
{
    struct vcpu_soft *soft = v->soft;

    if (now < soft->deadline) { /* the backend's timer was early */
        vcpu_near_deadline(v, now);
        return DO_AGAIN;
    }
    if (soft->timer_deadline <= now) {
        soft->timer_deadline = UINT64_MAX;
        soft->timer_pending = true;
        vcpu_inject(v);
    }
    if (soft->pump_deadline <= now)
        soft->pump_deadline = monitor_duty(soft->pump_ticks, &soft->console_busy);
    if (vcpu_watchdog_expired(v, now))
        return vcpu_bite(v);
    vcpu_update_timer(v);
    return DO_AGAIN;
}

/* ------------------------------------------------------------------ phases */

static void vcpu_enter_state(struct vcpu *v, const struct vcpu_state *state)
{
    struct vcpu_soft *soft = v->soft;
    const uint64_t now = rdtsc();

    cpu_reset_guest_state(v->vm->xcr0_allowed);
    virt_vcpu_reset(v, state);
    vapic_reset(&soft->apic, v->apic_id);
    vmsr_reset(&soft->msr, v->vm->vendor->msrs, v->index == 0);
    soft->xcr0 = XCR0_X87;
    soft->nmi_pending = false;
    soft->timer_pending = false;
    soft->timer_deadline = UINT64_MAX;
    soft->console_busy = false;
    soft->pump_deadline = soft->console_duty ? now : UINT64_MAX;
    soft->phase = VCPU_RUNNING;
    soft->deadline = 0; /* no deadline's value, so the backend's timer will be set */
    watchdog_core_runs(v, now);
    vcpu_update_timer(v);
}

static void vcpu_start(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;

    soft->stats = (struct vcpu_stats){0};
    soft->watchdog_deadline = UINT64_MAX;
    if (v->index != 0) {
        partition_scrub_share(v->vm, v->index);
        soft->phase = VCPU_WAIT_SIPI;
        return;
    }
    partition_load(v->vm);
    if (v->vm->next.is_told)
        partition_tell(v->vm, NOTE_LIFE,
                       "guest '%s' starts on core #%u, %llu ticks after the loader", v->vm->name,
                       v->cpu->id, (unsigned long long)ticks_since(rdtsc(), v->vm->tsc->start));
    /* Of the life: not even an INIT to this core puts it off. */
    if (v->vm->watchdog_ticks)
        soft->watchdog_deadline = v->vm->started + v->vm->watchdog_ticks;
    reset_for_image(&state, &v->vm->plan->image);
    vcpu_enter_state(v, &state);
}

/* Out of the guest: the core is ours again. */
static void vcpu_leave(struct vcpu *v, enum vcpu_phase phase)
{
    cpu_unblock_nmi();
    lapic_reset();
    cpu_drain_interrupts();
    v->soft->phase = phase;
}

/* Carries out the requests of other cores. The order matters: a start ends waiting, a stop
 * everything, and of INIT and SIPI in one go the INIT was first. */
enum verdict vcpu_on_kick(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;
    const bool was_at_rest = halt_wakes(v); /* first */
    const uint32_t kicks = atomic_exchange(&v->kick, 0);
    if (panic_is_on())
        panic_stop_core();
    if ((kicks & KICK_START) && soft->phase == VCPU_PARKED)
        vcpu_start(v);
    if ((kicks & KICK_STOP) && soft->phase != VCPU_PARKED) {
        crash_note_core(v);
        vcpu_leave(v, VCPU_PARKED);
        partition_parked(v->vm);
        return DO_LEAVE;
    }
    if ((kicks & KICK_INIT) && soft->phase == VCPU_RUNNING) {
        vcpu_leave(v, VCPU_WAIT_SIPI);
        watchdog_core_waits(v);
    }
    if ((kicks & KICK_SIPI) && soft->phase == VCPU_WAIT_SIPI) {
        reset_for_sipi(&state, atomic_load(&soft->sipi_vector));
        vcpu_enter_state(v, &state);
    }
    if (kicks & KICK_SHOW) {
        if (soft->phase == VCPU_RUNNING)
            virt_get_state(v, &soft->shown);
        atomic_fetch_add(&soft->shown_count, 1);
    }
    if ((kicks & KICK_NMI) && soft->phase == VCPU_RUNNING)
        soft->nmi_pending = true;
    halt_look(v, was_at_rest || (kicks & KICK_ASK_HALT));
    if (soft->phase != VCPU_RUNNING)
        return DO_LEAVE;
    vcpu_inject(v);
    return kicks & KICK_DUE ? vcpu_look(v, rdtsc()) : DO_AGAIN;
}

/* A guest can send its own lead back to wait for a SIPI: its watchdog goes on. */
static void vcpu_watch_in_wait(struct vcpu *v, uint64_t now)
{
    char why[WATCHDOG_WORDS];

    if (v->soft->phase != VCPU_WAIT_SIPI || !vcpu_watchdog_expired(v, now))
        return;
    v->soft->watchdog_deadline = UINT64_MAX;
    if (!partition_end(v->vm, (struct vm_end){.kind = VM_END_CRASH}))
        return;
    watchdog_words(v->vm, why);
    crash_begin(v);
    crash_tell(v->vm, "guest '%s' vCPU %u on core #%u waits for a SIPI and is stopped: %s",
               v->vm->name, v->index, v->cpu->id, why);
}

static void vcpu_wait(struct vcpu *v)
{
    const uint64_t now = rdtsc();
    uint64_t until = UINT64_MAX;

    if (v->soft->console_duty) {
        if (v->soft->pump_deadline <= now) {
            (void)monitor_service(now, v->soft->pump_ticks / 2);
            v->soft->pump_deadline = now + v->soft->pump_ticks;
        }
        until = v->soft->pump_deadline;
    }
    if (v->soft->phase == VCPU_PARKED && v->index == 0)
        until = min_u64(until, partition_look(v->vm, now));
    if (v->soft->phase == VCPU_WAIT_SIPI) {
        vcpu_watch_in_wait(v, now);
        until = min_u64(until, v->soft->watchdog_deadline);
    }
    if (until == UINT64_MAX)
        cpu_wait(&v->kick);
    else
        cpu_wait_until(&v->kick, until);
}

/* ------------------------------------------------------------------ the loop */

/* Another verdict than the usual one. */
static void vcpu_note_verdict(struct vcpu_stats *stats, enum verdict verdict)
{
    struct trace *t = &stats->trace;
    __typeof__(&t->what[0]) what = trace_at(t->what, (uint8_t)(t->next - TRACE_STEP));

    what->word = (what->word & UINT32_C(0xffffff)) | (uint32_t)verdict << 24;
}

/* Carries out the verdicts that are seldom; false: out of the loop. */
NOINLINE static bool vcpu_apply(struct vcpu *v, enum verdict verdict)
{
    vcpu_note_verdict(&v->soft->stats, verdict);
    switch (verdict) {
    case DO_NEXT: /* vcpu_live()'s */
    case DO_AGAIN:
    case DO_REFLECT: /* vcpu_rest()'s */
        break;
    case DO_GP:
        v->soft->stats.injected++;
        virt_inject_exception(v, VECTOR_GP, true, 0);
        break;
    case DO_UD:
        v->soft->stats.injected++;
        virt_inject_exception(v, VECTOR_UD, false, 0);
        break;
    case DO_LEAVE:
        return false;
    case DO_STOP: /* the request is among our kicks, unless another core is about to put it there */
        return vcpu_on_kick(v) != DO_LEAVE;
    }
    return true;
}

/* An exit of the kinds that are never many. */
NOINLINE static enum verdict vcpu_rest(struct vcpu *v, uint64_t reason, uint8_t trace_at)
{
    struct vcpu_exit x;

    virt_decode(v, reason, &x);
    if (x.kind == EXIT_KICK && atomic_load(&v->kick) == KICK_DUE)
        return vcpu_on_kick(v); /* our own: the guest has not been entered since its last exit */
    trace_exit(&v->soft->stats, trace_at, reason, x.kind);
    const enum verdict verdict = exit_dispatch(v, &x);
    vcpu_note_verdict(&v->soft->stats, verdict);
    if (verdict != DO_REFLECT)
        return verdict;
    virt_reflect(v, &x);
    return DO_AGAIN;
}

/* From the first entry until this core no longer runs its guest. No address of `stay` leaves this
 * function, once all is inlined: so it is in registers. */
static void vcpu_live(struct vcpu *v)
{
    for (;;) {
        struct vcpu_stay stay;
        enum verdict verdict;

        virt_run(v, &stay);
        if (__builtin_expect(stay.time >= v->look_at, 0) && !virt_is(&stay, EXIT_TIMER))
            vcpu_near_deadline(v, stay.time);
        struct vcpu_soft *soft = v->soft;
        const uint8_t trace_at = trace_stay(&soft->stats, &stay);
        if (!exit_often(v, soft, &stay, trace_at, &verdict))
            verdict = vcpu_rest(v, stay.reason, trace_at);
        if (__builtin_expect(verdict == DO_NEXT, 1))
            virt_advance(v, &stay);
        else if (verdict != DO_AGAIN && !vcpu_apply(v, verdict))
            return;
    }
}

NORETURN void vcpu_thread(struct vcpu *v)
{
    for (;;) {
        if (atomic_load(&v->kick))
            (void)vcpu_on_kick(v);
        if (v->soft->phase == VCPU_RUNNING)
            vcpu_live(v);
        else
            vcpu_wait(v); /* also between two of many kicks */
    }
}
