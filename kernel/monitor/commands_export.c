/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/commands_export.h"

#include "kernel/console/answer.h"
#include "kernel/console/console.h"
#include "kernel/core/cores.h"
#include "kernel/vm/trace_text.h"
#include "lib/log.h"

#define ROWS_PER_STEP 16 /* a vCPU's whole short ring is said in one step */

/* It takes longer to say a long trace than a guest needs to write over all of it. */
static void export_hold(struct vm *vm, bool is_held)
{
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        atomic_store(&vm->vcpus[i].soft->trace_long.is_held, is_held);
}

void commands_on_export(struct commands *c, struct vm *vm)
{
    if (c->export.vm) {
        answer_line("the trace of guest '%s' is still being exported", c->export.vm->name);
        return;
    }
    c->export = (struct commands_export){.vm = vm};
    export_hold(vm, true);
}

static void export_head(const struct commands *c, uint64_t now)
{
    const struct vm *vm = c->export.vm;
    const struct trace_head head = {
        .guest = vm->name,
        .is_svm = c->view.vendor == vendor_of(POLICY_AMD),
        .vcpu_count = vm->vcpu_count,
        .life = vm->restarts + 1,
        .hz = c->view.tsc->hz,
        .now = now,
    };
    char line[LOG_LINE_MAX];

    trace_text_head(&head, line, sizeof(line));
    answer_line("%s", line);
}

static void export_core(struct commands_export *e)
{
    const struct vcpu *v = &e->vm->vcpus[e->vcpu];
    const struct trace_long *t = &v->soft->trace_long;
    const struct trace_core core = {
        .vcpu = e->vcpu,
        .core = v->cpu->id,
        .exits = trace_count(&v->soft->stats.trace),
        .kept = v->is_traced ? t->count : TRACE_ROWS,
        .has_registers = v->is_traced,
    };
    char line[LOG_LINE_MAX];

    trace_text_core(&core, line, sizeof(line));
    answer_line("%s", line);
    e->next = trace_long_first(t);
    e->last = atomic_load(&t->newest);
}

static void export_row(struct commands_export *e, uint64_t number, const struct trace_row *row)
{
    char line[LOG_LINE_MAX];

    trace_text_row(e->vcpu, number, row, line, sizeof(line));
    answer_line("%s", line);
    e->rows++;
}

static void export_short(struct commands_export *e)
{
    const struct trace *t = &e->vm->vcpus[e->vcpu].soft->stats.trace;
    struct trace_row rows[TRACE_ROWS];
    const uint64_t exits = trace_count(t); /* before the copy: a row may be newer than its number */
    const uint32_t count = trace_copy(t, rows);

    for (uint32_t i = 0; i < count; i++)
        export_row(e, exits - count + i + 1, &rows[i]);
}

/* False: there are no more. */
static bool export_long(struct commands_export *e)
{
    const struct trace_long *t = &e->vm->vcpus[e->vcpu].soft->trace_long;
    struct trace_entry entry;
    char line[LOG_LINE_MAX];

    for (uint32_t i = 0; i < ROWS_PER_STEP && e->next <= e->last; i++, e->next++) {
        if (!trace_long_get(t, e->next, &entry)) {
            e->lost++;
            continue;
        }
        export_row(e, e->next, &entry.row);
        trace_text_more(e->vcpu, e->next, &entry, line, sizeof(line));
        answer_line("%s", line);
    }
    return e->next <= e->last;
}

static void export_end(struct commands_export *e)
{
    char line[LOG_LINE_MAX];

    trace_text_end(e->rows, e->lost, line, sizeof(line));
    answer_line("%s", line);
    export_hold(e->vm, false);
    e->vm = NULL;
}

bool commands_export_step(struct commands *c, uint64_t now)
{
    struct commands_export *e = &c->export;

    if (!e->vm || !console_is_clear())
        return false;
    if (!e->has_begun)
        export_head(c, now);
    e->has_begun = true;
    if (e->vcpu == e->vm->vcpu_count) {
        export_end(e);
        return true;
    }
    const bool is_traced = e->vm->vcpus[e->vcpu].is_traced;
    if (!e->in_vcpu)
        export_core(e);
    if (!is_traced)
        export_short(e);
    e->in_vcpu = is_traced && export_long(e);
    if (!e->in_vcpu)
        e->vcpu++;
    return true;
}
