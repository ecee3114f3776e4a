/* SPDX-License-Identifier: MIT */
/*
 * partition_report: what is said about a guest's lives.
 */
#include <stdarg.h>

#include "kernel/partition.h"
#include "kernel/report_exits.h"
#include "lib/fmt.h"
#include "lib/log.h"

void partition_tell(struct vm *vm, const char *fmt, ...)
{
    struct log_text line;
    va_list args;

    va_start(args, fmt);
    log_compose(&line, fmt, args);
    va_end(args);
    console_note(&vm->console, line.text, line.len);
}

/* How a life ended, behind "guest 'x' ". */
static const char *partition_end_words(const struct vm_end *end)
{
    switch (end->kind) {
    case VM_END_POWER_OFF:
        return "powered off";
    case VM_END_RESTART:
        return end->by_operator ? "was restarted by the operator" : "asked for a restart";
    case VM_END_CRASH:
        return end->by_operator ? "was killed by the operator" : "was stopped";
    case VM_END_HALT:
        return "was stopped";
    case VM_END_STOP:
        return "was stopped by the operator";
    case VM_END_NONE:
        break;
    }
    return "never ran";
}

void partition_report(struct vm *vm, uint64_t parked)
{
    const struct time_scale *scale = &vm->tsc->scale;
    char exits[160], detail[40] = "";

    report_exits(vm, exits, sizeof(exits));
    if (vm->end.kind == VM_END_POWER_OFF)
        fmt_print(detail, sizeof(detail), " with code %u", vm->end.code);
    if (vm->end.by_operator)
        fmt_print(detail, sizeof(detail), " within %llu us",
                  (unsigned long long)(time_to_ns(scale, parked - vm->end_asked) / NS_PER_US));
    partition_tell(
        vm, "guest '%s' %s%s after %llu ms; %s", vm->name, partition_end_words(&vm->end), detail,
        (unsigned long long)(time_to_ns(scale, parked - vm->started) / NS_PER_MS), exits);
}
