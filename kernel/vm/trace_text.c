/* SPDX-License-Identifier: MIT */
#include "kernel/vm/trace_text.h"

#include "kernel/vm/diagnosis.h"
#include "lib/fmt.h"

typedef unsigned long long ull;

void trace_text_head(const struct trace_head *head, char *buf, size_t size)
{
    fmt_print(buf, size, "trace-export %u guest=%s on=%s vcpus=%u life=%u hz=%llu now=%llx",
              TRACE_TEXT_VERSION, head->guest, head->is_svm ? "SVM" : "VT-x", head->vcpu_count,
              head->life, (ull)head->hz, (ull)head->now);
}

void trace_text_core(const struct trace_core *core, char *buf, size_t size)
{
    fmt_print(buf, size, "trace-core %u core=%u exits=%llu kept=%u registers=%s", core->vcpu,
              core->core, (ull)core->exits, core->kept, core->has_registers ? "yes" : "no");
}

void trace_text_row(uint32_t vcpu, uint64_t number, const struct trace_row *row, char *buf,
                    size_t size)
{
    fmt_print(buf, size, "trace-row %u %llu %llx %llx %x %s %s", vcpu, (ull)number, (ull)row->time,
              (ull)row->rip, row->hw_code, diagnosis_exit_kind((enum exit_kind)row->kind),
              diagnosis_verdict((enum verdict)row->verdict));
}

void trace_text_more(uint32_t vcpu, uint64_t number, const struct trace_entry *entry, char *buf,
                     size_t size)
{
    const uint64_t *was = entry->before, *is = entry->after;

    fmt_print(buf, size, "trace-more %u %llu %x %llx %llx %llx %llx %llx %llx %llx %llx %llx %llx",
              vcpu, (ull)number, entry->ticks, (ull)entry->info, (ull)entry->extra,
              (ull)was[LEFT_RAX], (ull)was[LEFT_RCX], (ull)was[LEFT_RDX], (ull)was[LEFT_RBX],
              (ull)is[LEFT_RAX], (ull)is[LEFT_RCX], (ull)is[LEFT_RDX], (ull)is[LEFT_RBX]);
}

void trace_text_end(uint64_t rows, uint64_t lost, char *buf, size_t size)
{
    fmt_print(buf, size, "trace-end rows=%llu lost=%llu", (ull)rows, (ull)lost);
}
