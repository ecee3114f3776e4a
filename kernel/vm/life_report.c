/* SPDX-License-Identifier: MIT */
/*
 * life_report: the lines about a guest's lives.
 */
#include <stdarg.h>

#include "drivers/iommu/iommu_words.h"
#include "kernel/vm/exit_counts.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/life.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/time.h"

typedef unsigned long long ull;

void life_tell(struct vm *vm, enum note_kind kind, const char *fmt, ...)
{
    struct log_text line;
    va_list args;

    va_start(args, fmt);
    log_compose(&line, fmt, args);
    va_end(args);
    console_note(&vm->console, kind, line.text, line.len);
}

/* How a life ended, behind "guest 'x' ". */
static const char *life_end_words(const struct vm_end *end)
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
        return end->by_operator ? "was stopped by the operator" : "was stopped with the machine";
    case VM_END_NONE:
        break;
    }
    return "never ran";
}

void life_tell_untold(struct vm *vm)
{
    struct pacing *pacing = &vm->pacing;

    if (!vm->next.is_told) {
        if (pacing->loops == PACING_FIRST_UNTOLD)
            life_tell(vm, NOTE_LIFE,
                      "guest '%s' is restarting too often: not every life is reported", vm->name);
        pacing->untold++;
        return;
    }
    if (pacing->untold > 0)
        life_tell(vm, NOTE_LIFE, "guest '%s': %u more restart%s, not reported", vm->name,
                  pacing->untold, fmt_plural(pacing->untold));
    pacing->untold = 0;
}

void life_tell_faults(struct vm *vm)
{
    struct iommu_fault fault;
    char text[IOMMU_TEXT_MAX];
    uint32_t number;

    if (atomic_load(&vm->phase) != VM_RUNNING && vm->end.by_device)
        return; /* its diagnosis says so */
    while ((number = faults_next(vm, &fault)) != 0) {
        faults_text(vm, &fault, text, sizeof(text));
        life_tell(vm, NOTE_LIFE, "guest '%s': %s", vm->name, text);
        if (number == VM_FAULTS_TOLD)
            life_tell(vm, NOTE_LIFE,
                      "guest '%s': what else its devices try in this life is counted only: `stats "
                      "%s`",
                      vm->name, vm->name);
    }
}

void life_report(struct vm *vm, uint64_t parked)
{
    const struct time_scale *scale = &vm->tsc->scale;
    const struct vm_end *end = &vm->end;
    char exits[160], detail[40] = "";

    if (!vm->next.is_told)
        return;
    exit_counts_report(vm, exits, sizeof(exits));
    if (end->kind == VM_END_POWER_OFF)
        fmt_print(detail, sizeof(detail), " with code %u", end->code);
    if (end->by_operator || end->kind == VM_END_STOP)
        fmt_print(detail, sizeof(detail), " within %llu us",
                  (ull)(time_to_ns(scale, ticks_since(parked, vm->end_asked)) / NS_PER_US));
    const ull ms = time_to_ns(scale, vm->lived) / NS_PER_MS;
    life_tell(vm, vm_end_is_failure(end->kind) ? NOTE_CRASH : NOTE_LIFE,
              "guest '%s' %s%s after %llu ms; %s", vm->name, life_end_words(end), detail, ms,
              exits);
}
