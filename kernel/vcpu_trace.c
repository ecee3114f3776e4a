/* SPDX-License-Identifier: MIT */
/*
 * vcpu_trace: reads what vcpu_note_stay() and vcpu_note_exit() wrote. Any core, at any time: a row
 * that is being written is shown as it is.
 */
#include "kernel/vcpu.h"

uint64_t vcpu_exit_count(const struct vcpu_stats *stats)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < EXIT_KIND_COUNT; i++)
        count += stats->exits[i];
    return count;
}

struct trace_row vcpu_trace_row(const struct vcpu_stats *stats, uint32_t back)
{
    const struct vcpu_trace *t = &stats->trace;
    const uint32_t i = (t->next / TRACE_STEP - 1 - back) % TRACE_ROWS;

    return (struct trace_row){
        .time = t->when[i].time,
        .rip = t->when[i].rip,
        .reason = t->what[i].word & 0xffff,
        .kind = (uint8_t)(t->what[i].word >> 16),
        .verdict = (uint8_t)(t->what[i].word >> 24),
    };
}
