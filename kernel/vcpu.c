/* SPDX-License-Identifier: MIT */
#include "kernel/vcpu.h"

#include <stdarg.h>

#include "drivers/lapic.h"
#include "kernel/crash.h"
#include "kernel/exit.h"
#include "kernel/halt.h"
#include "kernel/monitor.h"
#include "kernel/panic.h"
#include "kernel/partition.h"
#include "kernel/reset.h"
#include "kernel/watchdog.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define RETRIES_PER_SECOND 50000 /* of an injection that waits for its window */
#define IDLE_PUMP_FACTOR   20    /* so much slower when only input is looked for */

void vcpu_request(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
    if (v->cpu != this_cpu())
        cpu_kick(v->cpu);
}

void vcpu_update_timer(struct vcpu *v)
{
    virt_set_timer(v, v->soft->timer_deadline,
                   min_u64(v->soft->retry_deadline,
                           min_u64(v->soft->pump_deadline, v->soft->watchdog_deadline)));
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

/* What waits to be injected. The window exit is enough on silicon. Bochs does not wake a halted
 * guest for it, and a guest that had interrupts off when the deadline came halts next: so what
 * cannot be injected yet sets a time to look again soon. True: the deadlines have changed. */
static bool vcpu_inject(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    const bool retried = soft->retry_deadline != UINT64_MAX;

    if (soft->nmi_pending && virt_inject_nmi(v)) {
        soft->nmi_pending = false;
        soft->stats.injected++;
    }
    if (soft->timer_pending && virt_inject_interrupt(v, soft->timer_vector)) {
        soft->timer_pending = false;
        soft->stats.injected++;
    }
    soft->retry_deadline = UINT64_MAX;
    if (soft->nmi_pending || soft->timer_pending)
        soft->retry_deadline = rdtsc() + v->vm->tsc->hz / RETRIES_PER_SECOND;
    return retried || soft->retry_deadline != UINT64_MAX;
}

/* What cannot be injected yet comes here again at EXIT_WINDOW. */
enum verdict vcpu_on_window(struct vcpu *v)
{
    if (vcpu_inject(v))
        vcpu_update_timer(v);
    return DO_AGAIN;
}

/* Whether the guest has not called for too long; else the deadline moves to its last call's. */
static bool vcpu_watchdog_expired(struct vcpu *v, uint64_t now)
{
    if (v->soft->watchdog_deadline > now)
        return false;
    uint32_t silent;
    const uint64_t sign = watchdog_last_sign(v->vm, &silent);
    if (ticks_since(now, sign) >= v->vm->watchdog_ticks)
        return true;
    v->soft->watchdog_deadline = sign + v->vm->watchdog_ticks;
    return false;
}

NOINLINE COLD static enum verdict vcpu_bite(struct vcpu *v, uint32_t raw_reason)
{
    const struct vcpu_exit x = {.kind = EXIT_TIMER, .raw_reason = raw_reason};

    char why[WATCHDOG_WORDS];

    watchdog_words(v->vm, why);
    return vcpu_crash(v, &x, "%s", why);
}

/* A deadline has passed. */
enum verdict vcpu_on_timer(struct vcpu *v, uint64_t now, uint32_t raw_reason)
{
    struct vcpu_soft *soft = v->soft;

    if (soft->timer_deadline <= now) {
        soft->timer_deadline = UINT64_MAX;
        soft->timer_pending = true;
    }
    if (soft->pump_deadline <= now) {
        soft->console_busy = monitor_service(now);
        soft->pump_deadline = now + (soft->console_busy ? 1 : IDLE_PUMP_FACTOR) * soft->pump_ticks;
    }
    if (vcpu_watchdog_expired(v, now))
        return vcpu_bite(v, raw_reason);
    (void)vcpu_inject(v);
    vcpu_update_timer(v);
    return DO_AGAIN;
}

/* ------------------------------------------------------------------ phases */

static void vcpu_enter_state(struct vcpu *v, const struct vcpu_state *state)
{
    struct vcpu_soft *soft = v->soft;

    cpu_reset_guest_state(v->vm->xcr0_allowed);
    virt_vcpu_reset(v, state);
    vapic_reset(&soft->apic, v->apic_id);
    vmsr_reset(&soft->msr, v->index == 0);
    soft->xcr0 = XCR0_X87;
    soft->nmi_pending = false;
    soft->timer_pending = false;
    soft->timer_deadline = UINT64_MAX;
    soft->retry_deadline = UINT64_MAX;
    soft->watchdog_deadline =
        v->index == 0 && v->vm->watchdog_ticks ? rdtsc() + v->vm->watchdog_ticks : UINT64_MAX;
    soft->console_busy = false;
    soft->pump_deadline = soft->console_duty ? 0 : UINT64_MAX;
    soft->phase = VCPU_RUNNING;
    watchdog_core_runs(v, rdtsc());
    vcpu_update_timer(v);
}

static void vcpu_start(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;

    soft->stats = (struct vcpu_stats){0};
    if (v->index != 0) {
        partition_scrub_share(v->vm, v->index);
        soft->phase = VCPU_WAIT_SIPI;
        return;
    }
    partition_load(v->vm);
    partition_tell(v->vm, "guest '%s' starts on core #%u, %llu ticks after the loader", v->vm->name,
                   v->cpu->id, (unsigned long long)(rdtsc() - v->vm->tsc->start));
    reset_for_image(&state, &v->vm->plan->image);
    vcpu_enter_state(v, &state);
}

/* Hardware leaves a core with NMIs blocked after an NMI exit; only IRET ends that. The next VM
 * entry does as well, but a core that waits outside a guest has to do it by itself. */
static void vcpu_unblock_nmi(void)
{
    uint64_t scratch;
    __asm__ volatile("mov %%rsp, %0\n\t"
                     "push $0\n\t"
                     "push %0\n\t"
                     "pushfq\n\t"
                     "mov %%cs, %k0\n\t"
                     "push %0\n\t"
                     "lea 1f(%%rip), %0\n\t"
                     "push %0\n\t"
                     "iretq\n"
                     "1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
}

/* Out of the guest: the core is ours again. */
static void vcpu_leave(struct vcpu *v, enum vcpu_phase phase)
{
    vcpu_unblock_nmi();
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
    return soft->phase == VCPU_RUNNING ? vcpu_on_window(v) : DO_LEAVE;
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
        (void)monitor_service(now);
        until = now + v->soft->pump_ticks;
    }
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
    struct vcpu_trace *t = &stats->trace;
    __typeof__(&t->what[0]) what = vcpu_trace_at(t->what, (uint8_t)(t->next - TRACE_STEP));

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

/* A reflected exception can be one that its own delivery causes, without end: then no instruction
 * of the guest runs, and the timer, which counts only while one does, never expires. */
static bool vcpu_is_overdue(const struct vcpu *v, uint64_t now)
{
    const struct vcpu_soft *soft = v->soft;

    return now >= min_u64(min_u64(soft->timer_deadline, soft->retry_deadline),
                          min_u64(soft->pump_deadline, soft->watchdog_deadline));
}

/* An exit of the kinds that are never many. */
NOINLINE static enum verdict vcpu_rest(struct vcpu *v, uint64_t reason, uint8_t trace_at)
{
    struct vcpu_exit x;

    virt_decode(v, reason, &x);
    vcpu_note_exit(&v->soft->stats, trace_at, reason, x.kind);
    const enum verdict verdict = exit_dispatch(v, &x);
    vcpu_note_verdict(&v->soft->stats, verdict);
    if (verdict != DO_REFLECT)
        return verdict;
    virt_reflect(v, &x);
    const uint64_t now = rdtsc();
    return vcpu_is_overdue(v, now) ? vcpu_on_timer(v, now, (uint32_t)reason) : DO_AGAIN;
}

/* From the first entry until this core no longer runs its guest. No address of `stay` leaves this
 * function, once all is inlined: so it is in registers. */
static void vcpu_live(struct vcpu *v)
{
    for (;;) {
        struct vcpu_stay stay;
        enum verdict verdict;

        virt_run(v, &stay);
        struct vcpu_soft *soft = v->soft;
        const uint8_t trace_at = vcpu_note_stay(&soft->stats, &stay);
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
        if (v->soft->phase == VCPU_RUNNING)
            vcpu_live(v);
        else if (atomic_load(&v->kick))
            (void)vcpu_on_kick(v);
        else
            vcpu_wait(v);
    }
}
