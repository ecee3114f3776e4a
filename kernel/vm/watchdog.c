/* SPDX-License-Identifier: MIT */
#include "kernel/vm/watchdog.h"

#include "lib/fmt.h"
#include "lib/time.h"

#define OWES_NOTHING UINT64_MAX

void watchdog_begin(struct vm *vm, uint64_t now)
{
    atomic_store(&vm->last_sign, now);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        atomic_store(&vm->vcpus[i].soft->sign, i == 0 ? now : OWES_NOTHING);
}

void watchdog_core_runs(struct vcpu *v, uint64_t now)
{
    if (v->index != 0)
        atomic_store(&v->soft->sign, now);
}

void watchdog_core_waits(struct vcpu *v)
{
    if (v->index != 0)
        atomic_store(&v->soft->sign, OWES_NOTHING);
}

void watchdog_excuse(struct vm *vm, uint64_t now)
{
    atomic_store(&vm->last_sign, now);
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        if (atomic_load(&vm->vcpus[i].soft->sign) != OWES_NOTHING)
            atomic_store(&vm->vcpus[i].soft->sign, now);
}

uint64_t watchdog_last_sign(const struct vm *vm, uint32_t *vcpu)
{
    uint64_t oldest = OWES_NOTHING;

    *vcpu = 0;
    if (!vm->watchdog_each)
        return atomic_load(&vm->last_sign);
    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        const uint64_t sign = atomic_load(&vm->vcpus[i].soft->sign);
        if (sign >= oldest)
            continue;
        oldest = sign;
        *vcpu = i;
    }
    return oldest;
}

void watchdog_words(const struct vm *vm, char words[WATCHDOG_WORDS])
{
    char whose[24] = "";
    uint32_t silent;

    (void)watchdog_last_sign(vm, &silent);
    if (vm->watchdog_each)
        fmt_print(whose, sizeof(whose), " from vCPU %u", silent);
    fmt_print(words, WATCHDOG_WORDS, "its watchdog has expired: no sign of life%s for %llu ms",
              whose, (unsigned long long)(vm->plan->config->watchdog_ns / NS_PER_MS));
}
