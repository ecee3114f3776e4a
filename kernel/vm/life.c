/* SPDX-License-Identifier: MIT */
#include "kernel/vm/life.h"

#include "guests/kit/abi.h"
#include "kernel/core/confirm.h"
#include "kernel/core/cores.h"
#include "kernel/core/power.h"
#include "kernel/vm/cable.h"
#include "kernel/vm/device.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/link.h"
#include "kernel/vm/memory.h"
#include "kernel/vm/watchdog.h"
#include "lib/fmt.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

_Atomic uint32_t life_count;

#define END_ALL_PER_SECOND 10 /* a core that clears memory comes late: no longer than that */

/* Whether another life follows by itself. */
static bool life_goes_on(const struct vm *vm)
{
    const struct config_guest *config = vm->plan->config;

    switch (vm->end.kind) {
    case VM_END_RESTART:
        return true;
    case VM_END_POWER_OFF:
        return config->on_poweroff == POWEROFF_RESTART;
    case VM_END_CRASH:
    case VM_END_HALT: /* a guest that means to end says so: docs/config.md, on_crash */
        return config->on_crash == CRASH_RESTART && vm->crash_restarts < config->restarts;
    case VM_END_STOP:
    case VM_END_NONE:
        break;
    }
    return false;
}

static void life_begin(struct vm *vm)
{
    vm->started = rdtsc();
    vpci_reset(&vm->pci); /* no peer may send what the life before asked for, once this one runs */
    atomic_store(&vm->parked, 0);
    atomic_store(&vm->scrubbed, 0);
    atomic_store(&vm->bus_lock_told, false);
    faults_begin(vm);
    /* All are parked: what is in their kicks now was meant for the life before. The lead comes
     * last, so that whatever it sends its siblings finds them started. */
    for (uint32_t i = vm->vcpu_count; i-- > 0;)
        atomic_store(&vm->vcpus[i].kick, KICK_START);
    atomic_store(&vm->phase, VM_RUNNING);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        kick_send(&vm->vcpus[i], 0);
    /* life_stop() has seen it running, or this sees the wish. */
    const uint32_t asked = atomic_load(&vm->stop_asked);
    if (asked != STOP_NOT_ASKED)
        (void)life_end(
            vm, (struct vm_end){.kind = VM_END_STOP, .by_operator = asked == STOP_BY_OPERATOR});
}

bool life_start(struct vm *vm)
{
    uint32_t stopped = VM_STOPPED;

    if (atomic_load(&vm->phase) == VM_BACKOFF) {
        atomic_store(&vm->next_life, 0);
        kick_send(&vm->vcpus[0], KICK_LOOK);
        return true;
    }
    if (!atomic_compare_exchange_strong(&vm->phase, &stopped, VM_STOPPING))
        return false;
    if (vm->end.kind != VM_END_NONE)
        vm->restarts++;
    vm->crash_restarts = 0;
    pacing_reset(&vm->pacing, vm->tsc->hz, rdtsc());
    vm->next.is_told = true;
    atomic_store(&vm->stop_asked, STOP_NOT_ASKED);
    atomic_fetch_add(&life_count, 1);
    life_begin(vm);
    return true;
}

/* No life can go on, or follow, with such a device. */
static void life_tell_lost(struct vm *vm, const struct plan_device *lost, const char *why)
{
    life_tell(vm, NOTE_LIFE, "guest '%s' stays stopped: its device " PCI_PLACE_FMT " %s", vm->name,
              PCI_PLACE_ARGS(lost->entry->address), why);
}

void life_load(struct vm *vm)
{
    const uint64_t begin = rdtsc();
    const struct plan_device *lost;

    memory_load(vm);
    console_begin_life(&vm->console);
    bus_reset(&vm->bus, &vm->console.tx, &vm->console.rx, &vm->clock, vm->plan->image.has_pit);
    cable_enter(vm);
    link_enter(vm);
    lost = device_enter(vm);
    vm->started = rdtsc();
    vm->load_ticks = ticks_since(vm->started, begin);
    watchdog_begin(vm, vm->started);
    if (lost == NULL)
        return;
    life_tell_lost(vm, lost, "is not let through: the IOMMU does not answer");
    (void)life_end(vm, (struct vm_end){.kind = VM_END_STOP});
}

/* What comes after this life, and how much is said about its end: all of it when no other follows
 * by itself. What an operator asks for is no loop. */
static void life_choose_next(struct vm *vm)
{
    vm->next = (struct pacing_next){.pause = 0, .is_told = true};
    vm->is_diagnosed = true;
    if (!vm->end.by_operator && life_goes_on(vm)) {
        vm->next = pacing_next(&vm->pacing, vm->lived);
        vm->is_diagnosed = vm->next.is_told && vm->end.kind == VM_END_CRASH &&
                           pacing_diagnose(&vm->pacing, vm->end_asked);
    }
    life_tell_untold(vm);
}

/* What the guest has just done is what the file names as the sign that all is well. */
static void life_confirm(const struct vm *vm, enum confirm_by by, const char *sign)
{
    char who[GUEST_NAME_MAX + 48];

    if (vm->plan->config->confirms != by || !confirm_is_wanted())
        return;
    fmt_print(who, sizeof(who), "guest '%s': %s", vm->name, sign);
    confirm_ask(who);
}

void life_watch_confirm(const struct vm *vm)
{
    uint64_t calls = 0;

    if (vm->plan->config->confirms != CONFIRM_BY_WATCHDOG)
        return;
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        calls += vm->vcpus[i].soft->stats.calls[BULKHEAD_CALL_WATCHDOG - BULKHEAD_CALL_BASE];
    if (calls > 0)
        life_confirm(vm, CONFIRM_BY_WATCHDOG, "watchdog call");
}

bool life_end(struct vm *vm, struct vm_end end)
{
    uint32_t running = VM_RUNNING;

    if (!atomic_compare_exchange_strong(&vm->phase, &running, VM_STOPPING))
        return false;
    if (end.kind == VM_END_POWER_OFF && end.code == 0)
        life_confirm(vm, CONFIRM_BY_POWEROFF, "power-off with code 0");
    life_watch_confirm(vm); /* of a life too short to be looked at */
    vm->end = end;
    vm->end_asked = rdtsc();
    vm->lived = ticks_since(vm->end_asked, vm->started);
    life_choose_next(vm);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        kick_send(&vm->vcpus[i], KICK_STOP);
    return true;
}

static bool life_stop_for(struct vm *vm, struct vm_end end)
{
    if (life_end(vm, end))
        return true;
    atomic_store(&vm->stop_asked, end.by_operator ? STOP_BY_OPERATOR : STOP_WITH_MACHINE);
    if (life_end(vm, end))
        return true;
    kick_send(&vm->vcpus[0], KICK_LOOK);
    return atomic_load(&vm->phase) != VM_STOPPED;
}

bool life_stop(struct vm *vm)
{
    return life_stop_for(vm, (struct vm_end){.kind = VM_END_STOP, .by_operator = true});
}

/* Out of `vm`, except for the core that asks. */
static bool life_is_out(const struct vm *vm)
{
    const struct vcpu *own = this_cpu()->vcpu;
    const uint32_t count = vm->vcpu_count - (own && own->vm == vm);

    return atomic_load(&vm->phase) == VM_STOPPED || atomic_load(&vm->parked) >= count;
}

void life_end_all(void)
{
    const uint64_t begin = rdtsc();

    atomic_fetch_add(&life_count, 1); /* nobody is to see the last one end */
    for (uint32_t i = 0; i < cores_made; i++) {
        if (cpus[i]->vcpu && cpus[i]->vcpu->index == 0)
            (void)life_stop_for(cpus[i]->vcpu->vm, (struct vm_end){.kind = VM_END_STOP});
    }
    for (uint32_t i = 0; i < cores_made; i++) {
        const struct vcpu *v = cpus[i]->vcpu;
        while (v && !life_is_out(v->vm) &&
               ticks_since(rdtsc(), begin) < v->vm->tsc->hz / END_ALL_PER_SECOND)
            cpu_pause();
    }
}

/* On one of the guest's cores. All are parked, and look when they are kicked. */
static void life_scrub(struct vm *vm)
{
    const struct vcpu *own = this_cpu()->vcpu;

    atomic_store(&vm->scrubbed, 0);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        if (i != own->index)
            kick_send(&vm->vcpus[i], KICK_SCRUB);
    memory_scrub_all(vm, own->index);
}

/* No other life follows: on the core that knows it. */
static void life_finish(struct vm *vm)
{
    const struct config_guest *config = vm->plan->config;
    const bool has_failed = vm_end_is_failure(vm->end.kind);

    if (has_failed && config->on_crash == CRASH_RESTART)
        life_tell(vm, NOTE_LIFE, "guest '%s' has been restarted %u time%s: it stays stopped",
                  vm->name, vm->crash_restarts, fmt_plural(vm->crash_restarts));
    if (has_failed && config->on_crash == CRASH_REBOOT)
        life_tell(vm, NOTE_LIFE, "guest '%s' crashed: rebooting the machine (on_crash = reboot)",
                  vm->name);
    else if (vm->end.kind == VM_END_POWER_OFF && config->on_poweroff == POWEROFF_REBOOT)
        life_tell(vm, NOTE_LIFE,
                  "guest '%s' powered off: rebooting the machine (on_poweroff = reboot)", vm->name);
    else {
        life_scrub(vm);
        atomic_store(&vm->phase, VM_STOPPED);
        atomic_fetch_sub(&life_count, 1);
        return;
    }
    life_end_all();
    confirm_before_end();
    power_reset();
}

/* Between two lives; true: the operator wants no other. */
static bool life_is_unwanted(struct vm *vm)
{
    const uint32_t asked = atomic_exchange(&vm->stop_asked, STOP_NOT_ASKED);

    if (asked == STOP_NOT_ASKED || vm->end.kind == VM_END_STOP)
        return false;
    vm->end = (struct vm_end){.kind = VM_END_STOP, .by_operator = asked == STOP_BY_OPERATOR};
    life_tell(vm, NOTE_LIFE, "guest '%s' was stopped %s before its next life", vm->name,
              vm->end.by_operator ? "by the operator" : "with the machine");
    return true;
}

static void life_begin_next(struct vm *vm)
{
    vm->restarts++;
    if (vm_end_is_failure(vm->end.kind))
        vm->crash_restarts++;
    life_begin(vm);
}

uint64_t life_look(struct vm *vm, uint64_t now)
{
    const uint64_t next = atomic_load(&vm->next_life);

    if (atomic_load(&vm->phase) != VM_BACKOFF)
        return UINT64_MAX;
    if (atomic_load(&vm->stop_asked) == STOP_NOT_ASKED && now < next)
        return next;
    atomic_store(&vm->phase, VM_STOPPING);
    if (life_is_unwanted(vm))
        life_finish(vm);
    else
        life_begin_next(vm);
    return UINT64_MAX;
}

bool life_park(struct vm *vm)
{
    if (atomic_fetch_add(&vm->parked, 1) + 1 < vm->vcpu_count)
        return false;
    console_end_life(&vm->console);
    return true;
}

void life_follow(struct vm *vm, uint64_t parked)
{
    const char *why = "";
    const struct plan_device *lost = device_leave(vm, &why); /* before memory is cleared */

    faults_take_last(vm, parked); /* before the next life, whose they are not */
    link_leave(vm);
    life_tell_faults(vm);
    life_report(vm, parked);
    if (lost != NULL)
        life_tell_lost(vm, lost, why);
    link_clear_left(vm); /* which takes a while: nobody waits for the words */
    if (life_is_unwanted(vm) || lost != NULL || !life_goes_on(vm)) {
        life_finish(vm);
        return;
    }
    if (vm->next.pause == 0) {
        life_begin_next(vm);
        return;
    }
    atomic_store(&vm->next_life, parked + vm->next.pause);
    atomic_store(&vm->phase, VM_BACKOFF);
    kick_send(&vm->vcpus[0], KICK_LOOK);
}
