/* SPDX-License-Identifier: MIT */
#include "kernel/vm/requests.h"

#include "drivers/lapic.h"
#include "kernel/core/cpu.h"
#include "kernel/core/panic.h"
#include "kernel/vm/crash.h"
#include "kernel/vm/deadlines.h"
#include "kernel/vm/debug.h"
#include "kernel/vm/halt.h"
#include "kernel/vm/inject.h"
#include "kernel/vm/life.h"
#include "kernel/vm/memory.h"
#include "kernel/vm/reset.h"
#include "kernel/vm/table.h"
#include "kernel/vm/watchdog.h"
#include "lib/time.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

static void requests_enter_state(struct vcpu *v, const struct vcpu_state *state)
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
    soft->table_write = gpa(0);
    soft->console_busy = false;
    soft->pump_deadline = soft->console_duty ? now : UINT64_MAX;
    soft->phase = VCPU_RUNNING;
    soft->deadline = 0; /* no deadline's value, so the backend's timer will be set */
    watchdog_core_runs(v, now);
    deadlines_update(v);
}

static void requests_start(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;

    soft->stats = (struct vcpu_stats){0};
    trace_reset(&soft->stats.trace);
    trace_long_reset(&soft->trace_long);
    soft->watchdog_deadline = UINT64_MAX;
    if (v->index != 0) {
        memory_scrub_share(v->vm, v->index);
        soft->phase = VCPU_WAIT_SIPI;
        return;
    }
    life_load(v->vm);
    if (v->vm->next.is_told)
        life_tell(v->vm, NOTE_LIFE, "guest '%s' starts on core #%u, %llu ticks after the loader",
                  v->vm->name, v->cpu->id,
                  (unsigned long long)ticks_since(rdtsc(), v->vm->tsc->start));
    /* Of the life: not even an INIT to this core puts it off. */
    if (v->vm->watchdog_ticks)
        soft->watchdog_deadline = v->vm->started + v->vm->watchdog_ticks;
    reset_for_image(&state, &v->vm->plan->image);
    requests_enter_state(v, &state);
}

/* Out of the guest: the core is ours again. */
static void requests_leave(struct vcpu *v, enum vcpu_phase phase)
{
    virt_leave(v);
    lapic_reset();
    cpu_drain_interrupts();
    v->soft->phase = phase;
    debug_away(v);
}

static void requests_stop(struct vcpu *v)
{
    struct vm *vm = v->vm;

    crash_note_core(v);
    requests_leave(v, VCPU_PARKED);
    const uint64_t now = rdtsc();
    if (!life_park(vm))
        return;
    crash_finish(vm);
    life_follow(vm, now);
}

static void requests_show(struct vcpu *v, uint32_t kicks)
{
    struct vcpu_soft *soft = v->soft;

    if ((kicks & KICK_SHOW) && soft->phase == VCPU_RUNNING)
        virt_get_state(v, &soft->shown);
    if ((kicks & KICK_FIELDS) && soft->phase == VCPU_RUNNING)
        virt_look(v);
    smi_look(&v->cpu->smis);
    atomic_fetch_add(&soft->shown_count, 1);
}

/* The order matters: a start ends waiting, a stop everything (what a stopped guest's cores are to
 * clear is asked for later), and of INIT and SIPI in one go the
 * INIT was first. */
enum verdict requests_take(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;
    struct vcpu_state state;
    const bool was_at_rest = halt_wakes(v); /* first */
    table_written(v);
    const uint32_t kicks = atomic_exchange(&v->kick, 0);
    if (kicks == 0)
        atomic_fetch_add_explicit(&v->cpu->lone_nmis, 1, memory_order_relaxed);
    if (panic_is_elsewhere())
        panic_stop_core();
    if ((kicks & KICK_START) && soft->phase == VCPU_PARKED)
        requests_start(v);
    if ((kicks & KICK_SCRUB) && soft->phase == VCPU_PARKED)
        memory_scrub_share(v->vm, v->index);
    if ((kicks & KICK_STOP) && soft->phase != VCPU_PARKED) {
        requests_stop(v);
        return DO_LEAVE;
    }
    if ((kicks & KICK_INIT) && soft->phase == VCPU_RUNNING) {
        requests_leave(v, VCPU_WAIT_SIPI);
        watchdog_core_waits(v);
    }
    if ((kicks & KICK_SIPI) && soft->phase == VCPU_WAIT_SIPI) {
        reset_for_sipi(&state, atomic_load(&soft->sipi_vector));
        requests_enter_state(v, &state);
    }
    if (kicks & (KICK_SHOW | KICK_FIELDS))
        requests_show(v, kicks);
    if ((kicks & KICK_NMI) && soft->phase == VCPU_RUNNING)
        soft->nmi_pending = true;
    halt_look(v, was_at_rest || (kicks & KICK_ASK_HALT));
    if (soft->phase != VCPU_RUNNING || debug_holds(v, kicks))
        return DO_LEAVE;
    inject_pending(v);
    return kicks & (KICK_DUE | KICK_WATCHED | KICK_DEBUG) ? deadlines_look(v, rdtsc()) : DO_AGAIN;
}
