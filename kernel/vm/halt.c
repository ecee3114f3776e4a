/* SPDX-License-Identifier: MIT */
#include "kernel/vm/halt.h"

#include <stdatomic.h>

#include "kernel/vm/kick.h"
#include "kernel/vm/life.h"

/* What would set a core going that rests now. */
#define KICKS_THAT_WAKE ((uint32_t)(KICK_START | KICK_STOP | KICK_INIT | KICK_SIPI | KICK_NMI))

bool halt_wakes(struct vcpu *v)
{
    /* Before the kicks are taken, and the flag before the count: see halt_is_final(). */
    const bool was_at_rest = atomic_exchange(&v->soft->at_rest, false);

    if (was_at_rest)
        atomic_fetch_add(&v->vm->wakes, 1);
    return was_at_rest;
}

/*
 * No snapshot of all cores, but as good as one; everything is sequentially consistent. A core that
 * takes a kick after its flag was seen here has cleared the flag after that and counted before the
 * take. So, where the count is the same at the end, none took one in between: from the last flag
 * on every core was at rest and none was left to send anything. What was sent before that is still
 * in its receiver's kicks when they are looked at, after all flags, or was taken before the
 * receiver came to rest.
 * Of cores that look at the same time, the last one to come to rest finds nothing changed: one
 * that wakes after that comes to rest later, and looks by itself.
 */
static bool halt_is_final(const struct vm *vm)
{
    const uint64_t wakes = atomic_load(&vm->wakes);

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        if (!atomic_load(&vm->vcpus[i].soft->at_rest))
            return false;
    }
    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        if (atomic_load(&vm->vcpus[i].kick) & KICKS_THAT_WAKE)
            return false;
    }
    return atomic_load(&vm->wakes) == wakes;
}

static void halt_rests(struct vcpu *v)
{
    struct vm *vm = v->vm;

    atomic_store(&v->soft->at_rest, true);
    if (!halt_is_final(vm) || !life_end(vm, (struct vm_end){.kind = VM_END_HALT}) ||
        !vm->next.is_told)
        return;
    life_tell(vm, NOTE_CRASH,
              "guest '%s' has halted all its cores with interrupts off, or left them waiting "
              "for a start-up IPI: it cannot run again",
              vm->name);
}

void halt_look(struct vcpu *v, bool ask)
{
    const struct vcpu_soft *soft = v->soft;

    if (soft->phase == VCPU_WAIT_SIPI)
        halt_rests(v);
    else if (ask && soft->phase == VCPU_RUNNING && !soft->nmi_pending && virt_has_halted(v))
        halt_rests(v);
}

void halt_ask(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        kick_send(&vm->vcpus[i], KICK_ASK_HALT);
}

/* Those that the guest makes by itself. */
static uint64_t halt_exits(const struct vm *vm)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        const struct trace *t = &vm->vcpus[i].soft->stats.trace;
        sum += trace_count(t) - t->exits[EXIT_KICK] - t->exits[EXIT_TIMER];
    }
    return sum;
}

void halt_watch(struct vm *vm)
{
    struct vm_quiet *quiet = &vm->quiet;
    const uint64_t exits = halt_exits(vm);

    if (exits != quiet->exits || atomic_load(&vm->phase) != VM_RUNNING)
        *quiet = (struct vm_quiet){.exits = exits};
    else if (++quiet->seconds == HALT_QUIET_SECONDS)
        halt_ask(vm);
}
