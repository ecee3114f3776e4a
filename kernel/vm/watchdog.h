/* SPDX-License-Identifier: MIT */
/*
 * watchdog: when a guest last showed that it is alive: by a call from any of its cores, or, where
 * the configuration says `each`, by the core that has been silent the longest.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"
#include "lib/x86/insn.h"

/* A life begins now: all its cores but the lead wait and owe no sign. The lead's core. */
void watchdog_begin(struct vm *vm, uint64_t now);

/* A core begins to run, or to wait for a SIPI. The lead's silence counts from the beginning of the
 * life, whatever becomes of that core. On v's own core. */
void watchdog_core_runs(struct vcpu *v, uint64_t now);
void watchdog_core_waits(struct vcpu *v);

/* The guest could not call until now: it was held. Any of its cores. */
void watchdog_excuse(struct vm *vm, uint64_t now);

/* The call. On the exit path. */
static inline void watchdog_sign(struct vcpu *v, struct vcpu_soft *soft)
{
    struct vm *vm = v->vm;

    /* Relaxed: nothing but the time itself is handed over. */
    atomic_store_explicit(vm->watchdog_each ? &soft->sign : &vm->last_sign, rdtsc(),
                          memory_order_relaxed);
}

/* Why a guest is stopped whose watchdog has expired. */
#define WATCHDOG_WORDS 80
void watchdog_words(const struct vm *vm, char words[WATCHDOG_WORDS]);

/* TSC of the sign that counts, and with `each` whose it is. Any core. */
uint64_t watchdog_last_sign(const struct vm *vm, uint32_t *vcpu);
