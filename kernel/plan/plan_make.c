/* SPDX-License-Identifier: MIT */
/*
 * plan_make: makes the plan in five steps (cores, disks, devices, memory, images), each in its own
 * file, and reports the errors of all of them. Pure, no state.
 */
#include "kernel/plan/plan_parts.h"

#include "lib/assert.h"
#include "lib/string.h"
#include "lib/uart16550.h"

static void plan_console(const struct config_machine *wish, const struct machine *machine,
                         struct errors *report)
{
    if (wish->screen && !wish->serial && !machine->has_screen)
        errors_add(report, wish->console_line,
                   "the machine has no screen: write 'console = serial' or 'serial screen'");
}

static bool plan_console_is_at(const struct config_machine *wish, const struct machine *machine,
                               uint16_t port)
{
    const uint16_t own = wish->serial_port ? wish->serial_port : machine->console_port;

    return wish->serial && own == port;
}

/* Who debugs a guest needs the line for that alone, and a core that always has time for it. */
static void plan_debug(const struct plan *plan, const struct machine *machine,
                       struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const struct config_guest *wish = plan->guests[g].config;
        if (!wish->is_debugged)
            continue;
        if (plan_console_is_at(&plan->config->machine, machine, UART_COM2))
            errors_add(report, wish->debug_line,
                       "debug = serial2: the console is at that port (0x%x)", UART_COM2);
        else if (!machine->has_serial2)
            errors_add(report, wish->debug_line,
                       "debug = serial2: the machine has no second serial port (0x%x)", UART_COM2);
        if (plan->reserved_cores == 0)
            errors_add(report, wish->debug_line,
                       "debug = serial2 needs a core for the monitor: write 'reserve = 1' in "
                       "[machine]");
    }
}

bool plan_make(struct plan *plan, const struct config *config, const struct machine *machine,
               struct errors *report)
{
    uint32_t before = report->count;

    ASSERT(config->guest_count <= GUESTS_MAX);
    ASSERT(machine->core_count >= 1 && machine->core_count <= CORES_MAX);
    ASSERT(machine->range_count <= MACHINE_RANGES_MAX);
    ASSERT(machine->module_count <= MACHINE_MODULES_MAX);

    memset(plan, 0, plan_size(config->guest_count));
    plan->config = config;
    plan->guest_count = config->guest_count;
    plan->link_count = config->link_count;
    for (uint32_t l = 0; l < plan->link_count; l++)
        plan->links[l].config = &config->links[l];
    for (uint32_t g = 0; g < plan->guest_count; g++)
        plan->guests[g].config = &config->guests[g];
    plan_console(&config->machine, machine, report);
    plan_cores(plan, machine, report);
    plan_debug(plan, machine, report);
    plan_disks(plan, machine, report);
    plan_devices(plan, machine, report);
    plan_memory(plan, machine, report);
    plan_images(plan, machine, report);
    return report->count == before;
}
