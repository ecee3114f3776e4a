/* SPDX-License-Identifier: MIT */
#include "kernel/vm/crash.h"

#include <stdarg.h>

#include "drivers/iommu/iommu_words.h"
#include "kernel/core/cores.h"
#include "kernel/vm/diagnosis.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/life.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

#define TOLD_MAX 8 /* of the other cores, so many are told of in the log: `crash GUEST` has all */

/* The life of v's guest ends by a crash, found on v's core: what was kept of the one before is
 * forgotten. By the one caller that won life_end(). */
COLD static void crash_begin(const struct vcpu *v)
{
    postmortem_begin(&v->vm->postmortem, v->vm->restarts + 1, rdtsc());
    v->vm->postmortem.vcpu = v->index;
}

static void crash_emit(struct vm *vm, bool told, enum note_kind kind, const char *fmt, va_list args)
{
    struct log_text line;

    log_compose(&line, fmt, args);
    postmortem_put(&vm->postmortem, line.text, line.len);
    if (told)
        console_note(&vm->console, kind, line.text, line.len);
}

/* A line about the crash: into the log, and kept for `crash GUEST`. */
COLD static PRINTF_LIKE(2, 3) void crash_tell(struct vm *vm, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    crash_emit(vm, vm->next.is_told, NOTE_CRASH, fmt, args);
    va_end(args);
}

/* Of the diagnosis: a guest that crashes again and again has it in the log now and then only. */
static PRINTF_LIKE(3, 4) void crash_line(struct vm *vm, enum note_kind kind, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    crash_emit(vm, vm->is_diagnosed, kind, fmt, args);
    va_end(args);
}

/* For `crash GUEST` alone. */
static PRINTF_LIKE(2, 3) void crash_keep(struct vm *vm, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    crash_emit(vm, false, NOTE_LIFE, fmt, args);
    va_end(args);
}

void crash_note_core(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    soft->ended_in = soft->phase;
    if (soft->phase == VCPU_RUNNING) {
        virt_get_state(v, &soft->shown);
        virt_look(v);
    }
}

static void crash_core_line(const struct vcpu *v, char *buf, size_t size)
{
    const struct vcpu_soft *soft = v->soft;
    char state[LOG_LINE_MAX];

    /* With the guest's name: another guest's diagnosis can come in between. */
    if (soft->ended_in != VCPU_RUNNING ||
        !diagnosis_state_line(&soft->shown, 0, state, sizeof(state)))
        fmt_print(state, sizeof(state), "  waits for a SIPI");
    fmt_print(buf, size, "guest '%s' vCPU %u on core #%u:%s", v->vm->name, v->index, v->cpu->id,
              state + 1);
}

/* The guest has done nothing that it may not do; a device of its has. */
static void crash_tell_device(struct vm *vm)
{
    char what[IOMMU_TEXT_MAX], count[64] = "";

    faults_text(vm, &vm->end.fault, what, sizeof(what));
    if (vm->end.is_storm)
        fmt_print(count, sizeof(count), "%u requests without right within a second; first ",
                  FAULTS_STORM);
    crash_tell(vm, "guest '%s' is stopped: %s%s", vm->name, count, what);
}

/* Ends without a diagnosis are recorded here: no core was in an exit of its own. */
static bool crash_begin_late(struct vm *vm)
{
    const bool halted = vm->end.kind == VM_END_HALT;

    if (!halted && !vm->end.by_operator && !vm->end.by_device)
        return false;
    postmortem_begin(&vm->postmortem, vm->restarts + 1, rdtsc());
    if (vm->end.by_device) {
        crash_tell_device(vm);
        return true;
    }
    crash_keep(vm, "guest '%s' %s", vm->name,
               halted ? "had halted all its cores for good" : "was killed by the operator");
    return true;
}

void crash_finish(struct vm *vm)
{
    char line[LOG_LINE_MAX];

    if (vm->end.kind != VM_END_CRASH && vm->end.kind != VM_END_HALT)
        return;
    const bool late = crash_begin_late(vm);
    uint32_t told = late ? TOLD_MAX : 0;
    for (uint32_t i = 0; i < vm->vcpu_count; i++) {
        if (!late && i == vm->postmortem.vcpu)
            continue; /* its registers are in the diagnosis */
        crash_core_line(&vm->vcpus[i], line, sizeof(line));
        if (told++ < TOLD_MAX)
            crash_line(vm, NOTE_LIFE, "%s", line);
        else
            crash_keep(vm, "%s", line);
    }
}

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
        crash_line(v->vm, i < DIAGNOSIS_KEPT ? NOTE_CRASH : NOTE_LIFE, "%s", line);
    if (v->vm->plan->image.mode != IMAGE_ENTER_PVH32)
        return;
    diagnosis_source_line(&state, v->vm->plan->config->image, line, sizeof(line));
    crash_line(v->vm, NOTE_CRASH, "%s", line);
}

/* The diagnosis, below the line that says why. On v's own core, after its exit `x`. */
COLD static void crash_print(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct trace *trace = &v->soft->stats.trace;
    const uint64_t now = rdtsc();
    char line[LOG_LINE_MAX];

    diagnosis_access(x, line, sizeof(line));
    crash_line(v->vm, NOTE_CRASH, "  exit %s (0x%x), information 0x%llx%s%s",
               virt_exit_name(x->hw_code), x->hw_code, (unsigned long long)x->hw_info,
               line[0] ? " " : "", line);
    crash_print_state(v, x);
    const uint32_t rows = (uint32_t)min_u64(trace_count(trace), TRACE_ROWS);
    crash_line(v->vm, NOTE_LIFE, "  the last %u exit%s, including this one:", rows,
               fmt_plural(rows));
    for (uint32_t back = rows; back-- > 0;) {
        struct trace_row row = trace_row(trace, back);
        if (back == 0)
            row.verdict = DO_STOP; /* it is noted when this is done */
        diagnosis_trace_line(&row, virt_exit_name(row.hw_code),
                             time_to_ns(&v->vm->tsc->scale, ticks_since(now, row.time)) / 1000,
                             line, sizeof(line));
        crash_line(v->vm, NOTE_LIFE, "%s", line);
    }
}

enum verdict crash_guest(struct vcpu *v, const struct vcpu_exit *x, const char *fmt, ...)
{
    char why[LOG_LINE_MAX];
    va_list args;

    if (!life_end(v->vm, (struct vm_end){.kind = VM_END_CRASH}))
        return DO_STOP; /* it ends already, for another reason */
    va_start(args, fmt);
    fmt_vprint(why, sizeof(why), fmt, args);
    va_end(args);
    crash_begin(v);
    crash_tell(v->vm, "guest '%s' vCPU %u on core #%u is stopped: %s", v->vm->name, v->index,
               v->cpu->id, why);
    crash_print(v, x);
    return DO_STOP;
}

void crash_waiting(struct vcpu *v, const char *why)
{
    if (!life_end(v->vm, (struct vm_end){.kind = VM_END_CRASH}))
        return;
    crash_begin(v);
    crash_tell(v->vm, "guest '%s' vCPU %u on core #%u waits for a SIPI and is stopped: %s",
               v->vm->name, v->index, v->cpu->id, why);
}

enum verdict crash_by_guest(struct vcpu *v, const struct crash_report *report)
{
    const struct vcpu_exit x = {.kind = EXIT_HYPERCALL,
                                .hw_code = trace_row(&v->soft->stats.trace, 0).hw_code,
                                .report = *report};
    struct vcpu_state state;
    char why[LOG_LINE_MAX];

    virt_get_state(v, &state);
    diagnosis_report(report, state.cr2, why, sizeof(why));
    return crash_guest(v, &x, "%s", why);
}
