/* SPDX-License-Identifier: MIT */
/*
 * main: the boot list, and nothing else. Each step says why it is where it is.
 */
#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"
#include "drivers/lapic.h"
#include "drivers/lapic_timer.h"
#include "drivers/tsc.h"
#include "kernel/console/console.h"
#include "kernel/core/canary.h"
#include "kernel/core/cpu.h"
#include "kernel/core/machine_lines.h"
#include "kernel/core/panic.h"
#include "kernel/core/power.h"
#include "kernel/start/address_space.h"
#include "kernel/start/bring_up.h"
#include "kernel/start/dma_block.h"
#include "kernel/start/handover.h"
#include "kernel/start/launch.h"
#include "kernel/start/machine_report.h"
#include "kernel/start/smp.h"
#include "kernel/start/survey.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

/* kernel/start/entry.asm */
NORETURN void main_early(const struct boot_info *info);
NORETURN void entry_switch_stack(uint64_t top, void (*go_on)(void));

static SEALED struct start_state start; /* what the steps hand to each other */

NORETURN static void main_give_up(void)
{
    if (start.surveys)
        survey_show(start.can_run);
    if (start.tries_next) { /* nobody need be there: the set before has run here */
        log_line("no guest was started: starting the machine again");
        power_reset();
    }
    log_line("no guest was started: switching the machine off");
    if (start.surveys)
        power_off_now(); /* each page has had its time */
    power_off();
}

/* On our own tables and stack. */
static void main_late(void)
{
    cpu_setup(cpus[0]);          /* from here on a fault on a bad stack is caught, too */
    start.x2apic = lapic_init(); /* before the other cores, which are started through it */
    if (start.x2apic)
        lapic_timer_init(&start.timer, &start.tsc);
    cpu_use_timer(&start.timer);
    launch_probe(&start);                   /* what the other cores are compared with */
    start.can_run = bring_up_cores(&start); /* before a refusal, which should know all the cores */
    if (start.can_run)
        dma_block(&start); /* before a plan, which may give devices away */
    start.can_run = start.can_run && launch_possible(&start); /* every lack, in one message */
    if (!start.can_run || start.surveys || /* that is all that a survey wants to know */
        !launch_plan(&start) ||            /* every error of the file, in one list */
        !launch_prepare(&start))           /* all memory is taken here */
        main_give_up();
    launch_run(
        &start); /* seals memory, then starts the guests: from there on nothing is remapped */
}

void main_early(const struct boot_info *info)
{
    cores_boot.self = &cores_boot;
    cores_boot.canary = canary_make(); /* before anything returns that has checked the old one */
    atomic_store(&cores_boot.stage, CPU_STARTED);
    cores_begin();
    cpu_setup_early(cpus[0]);         /* the firmware's tables are memory that we may give away */
    console_init(&info->framebuffer); /* first: from here on failures can speak */
    log_line("Bulkhead, a partitioning hypervisor");
    start.tries_next = handover_is_try(info);
    if (!handover_check(info))
        main_give_up();
    start.surveys = survey_begin(info); /* before the lines that it shows again */
    machine_report(info, machine_lines_say);
    handover_keep_log(info); /* soon: what goes wrong from here on can be read after a reset */
    handover_tell_set(info); /* kept as well */
    handover_read_firmware(&start, info); /* while everything is still mapped: ACPI, IOAPICs */
    tsc_init(&start.tsc, info->stamps[BOOT_STAMP_ENTRY]);
    console_set_tick_rate(start.tsc.hz);
    if (start.tries_next) /* from the first moment that its rate is known */
        panic_reset_machine(start.tsc.hz, false);
    if (!address_space_create(&start)) /* our pool, our tables; what is left is for guests */
        main_give_up();
    host_core_enter(&cpus[0]->host);
    entry_switch_stack(host_stack_top(STACK_MAIN), main_late);
}
