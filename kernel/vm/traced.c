/* SPDX-License-Identifier: MIT */
#include "kernel/vm/traced.h"

#include "kernel/core/trace_long.h"
#include "kernel/vm/vm.h"
#include "kernel/vm/watch.h"
#include "lib/bits.h"
#include "lib/time.h"
#include "lib/x86/insn.h"

/* A kick that is seen before an entry is no exit of the processor's, which says nothing of it; and
 * one that was does not change what is kept. */
static void traced_details(struct vcpu *v, struct trace_entry *e)
{
    const enum exit_kind kind = (enum exit_kind)e->row.kind;
    uint64_t info[2];

    if (kind == EXIT_KICK) {
        for (uint32_t i = 0; i < LEFT_COUNT; i++)
            e->before[i] = v->regs.gpr[i];
        return;
    }
    for (uint32_t i = 0; i < LEFT_COUNT; i++)
        e->before[i] = v->left[i];
    virt_info(v, kind, info);
    e->info = info[0];
    e->extra = info[1];
}

void traced_note(struct vcpu *v)
{
    struct vcpu_stats *stats = &v->soft->stats;
    struct trace_long *t = &v->soft->trace_long;
    const uint64_t number = trace_count(&stats->trace);

    if (number == atomic_load(&t->newest) || atomic_load(&t->is_held))
        return;
    struct trace_entry e = {.row = trace_row(&stats->trace, 0)};
    e.ticks = (uint32_t)min_u64(ticks_since(rdtsc(), e.row.time), UINT32_MAX);
    traced_details(v, &e);
    for (uint32_t i = 0; i < LEFT_COUNT; i++)
        e.after[i] = v->regs.gpr[i];
    trace_long_put(t, number, &e);
}

void traced_set_deadline(struct vcpu *v, uint64_t deadline)
{
    if (v->is_traced)
        v->look_at = 0;
    if (v->soft->is_watched)
        watch_set(v, deadline);
    else
        virt_set_deadline(v, deadline);
}

void traced_look(struct vcpu *v, uint64_t deadline)
{
    if (v->is_traced)
        traced_note(v);
    traced_set_deadline(v, deadline);
}
