/* SPDX-License-Identifier: MIT */
/*
 * bench: a test build's hook (make HOOK=bench): what no guest can see, in ticks, each once. When
 * the lead of a restarted guest is reset for its second life:
 *     bench restart N   from the end of the last life to here, without clearing and copying
 *     bench kick N      from a request to the first other guest until its core has left it and
 * looks
 */
#include "kernel/core/cores.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/vm.h"
#include "lib/log.h"
#include "lib/x86/insn.h"
#include "vmx/vmx.h"

#define KICKS 101 /* the median is told */

static bool bench_done;

static uint64_t bench_kick(struct vcpu *other)
{
    const uint32_t before = atomic_load(&other->soft->shown_count);
    const uint64_t start = rdtsc();

    kick_send(other, KICK_SHOW);
    while (atomic_load(&other->soft->shown_count) == before)
        cpu_pause();
    return rdtsc() - start;
}

static uint64_t bench_median_kick(struct vcpu *other)
{
    static uint64_t sorted[KICKS];

    for (uint32_t i = 0; i < KICKS; i++) {
        const uint64_t ticks = bench_kick(other);
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > ticks; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = ticks;
    }
    return sorted[KICKS / 2];
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    const uint64_t now = rdtsc();
    const struct vm *vm = v->vm;

    (void)state;
    if (v->index != 0 || vm->restarts == 0 || bench_done)
        return;
    bench_done = true;
    log_line("bench restart %llu",
             (unsigned long long)(now - vm->end_asked - vm->next.pause - vm->load_ticks));
    for (uint32_t i = 0; i < cores_made; i++) {
        struct vcpu *other = cpus[i]->vcpu;
        if (other && other != v && other->soft->phase == VCPU_RUNNING) {
            log_line("bench kick %llu", (unsigned long long)bench_median_kick(other));
            break;
        }
    }
}
