/* SPDX-License-Identifier: MIT */
/*
 * plan_kind: what is said about cores of different kinds, on hybrid processors. A guest that has
 * both has to know: its scheduler should tell them apart, and a time that was measured on one is
 * not that of the other. Pure.
 */
#include "kernel/plan/machine_text.h"
#include "kernel/plan/plan_parts.h"

const char *plan_kind_prefix(uint32_t kind)
{
    return kind == CORE_PERFORMANCE ? "P-" : kind == CORE_EFFICIENCY ? "E-" : "";
}

void plan_kind_say_mixed(const struct config_guest *wish, uint32_t performance, uint32_t efficiency,
                         struct errors *report)
{
    errors_add(report, wish->cores.line,
               "guest '%s' wants %u cores, and %u P-cores and %u E-cores are left: write how many "
               "of each, as in 'cores = %uP+%uE'",
               wish->name, wish->cores.count, performance, efficiency, performance,
               wish->cores.count - performance);
}

/* A list has cores of two kinds. */
static void plan_kind_list(const struct config_guest *wish, const struct machine *machine,
                           struct errors *report)
{
    const uint32_t *list = wish->cores.list;

    for (uint32_t i = 0; i < wish->cores.count; i++) {
        if (list[0] >= machine->core_count || list[i] >= machine->core_count ||
            machine->kinds[list[i]] == machine->kinds[list[0]])
            continue;
        errors_add(report, wish->cores.line,
                   "guest '%s' lists cores of two kinds, as #%u (%s) and #%u (%s): list those of "
                   "one, or write how many of each, as in 'cores = 2P+2E'",
                   wish->name, list[0], machine_text_kind(machine->kinds[list[0]]), list[i],
                   machine_text_kind(machine->kinds[list[i]]));
        return;
    }
}

void plan_kind_check(const struct plan *plan, const struct machine *machine, struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const struct config_guest *wish = plan->guests[g].config;

        if (wish->cores.exact)
            plan_kind_list(wish, machine, report);
        else if (wish->cores.by_kind && machine->kinds[0] == CORE_PLAIN)
            errors_add(report, wish->cores.line,
                       "guest '%s' wants P-cores or E-cores, but all cores of this machine are of "
                       "one kind: write 'cores = %u'",
                       wish->name, wish->cores.count);
    }
}
