/* SPDX-License-Identifier: MIT */
#include "kernel/crash.h"

#include "kernel/diagnosis.h"
#include "kernel/exit.h"
#include "kernel/partition.h"
#include "kernel/vcpu.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

/* As the guest was; where it has reported the crash itself, as it was at the fault. */
static void crash_state(struct vcpu *v, const struct vcpu_exit *x, struct vcpu_state *state)
{
    virt_get_state(v, state);
    if (x->kind == EXIT_HYPERCALL)
        state->rip = x->report.rip;
}

static void crash_print_state(struct vcpu *v, const struct vcpu_exit *x)
{
    struct vcpu_state state;
    char line[LOG_LINE_MAX];

    crash_state(v, x, &state);
    for (uint32_t i = 0; diagnosis_state_line(&state, i, line, sizeof(line)); i++)
        log_line("%s", line);
    if (v->vm->plan->image.mode != IMAGE_ENTER_PVH32)
        return;
    diagnosis_source_line(&state, v->vm->plan->config->image, line, sizeof(line));
    log_line("%s", line);
}

void crash_print(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct vcpu_stats *stats = &v->soft->stats;
    const uint64_t now = rdtsc();
    char line[LOG_LINE_MAX];

    diagnosis_qualification(x, line, sizeof(line));
    log_line("  exit %s (0x%llx), qualification 0x%llx %s", virt_exit_name(x),
             (unsigned long long)x->raw_reason, (unsigned long long)x->qualification, line);
    crash_print_state(v, x);
    const uint32_t rows = (uint32_t)min_u64(vcpu_exit_count(stats), TRACE_ROWS);
    log_line("  the last %u exit%s, this one included:", rows, fmt_plural(rows));
    for (uint32_t back = rows; back-- > 0;) {
        struct trace_row row = vcpu_trace_row(stats, back);
        if (back == 0)
            row.verdict = DO_STOP; /* it is noted when this is done */
        diagnosis_trace_line(&row, time_to_ns(&v->vm->tsc->scale, now - row.time) / 1000, line,
                             sizeof(line));
        log_line("%s", line);
    }
}

enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report)
{
    const struct vcpu_exit x = {.kind = EXIT_HYPERCALL,
                                .raw_reason = vcpu_trace_row(&v->soft->stats, 0).reason,
                                .report = *report};
    struct vcpu_state state;
    char why[LOG_LINE_MAX];

    virt_get_state(v, &state);
    diagnosis_report(report, state.cr2, why, sizeof(why));
    return vcpu_crash(v, &x, "%s", why);
}
