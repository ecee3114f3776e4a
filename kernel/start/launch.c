/* SPDX-License-Identifier: MIT */
#include "kernel/start/launch.h"

#include "kernel/config/config.h"
#include "kernel/config/folder.h"
#include "kernel/console/console.h"
#include "kernel/core/confirm.h"
#include "kernel/core/cpu.h"
#include "kernel/core/facts.h"
#include "kernel/core/panic.h"
#include "kernel/monitor/monitor.h"
#include "kernel/plan/modules.h"
#include "kernel/start/address_space.h"
#include "kernel/start/dma_block.h"
#include "kernel/start/smp.h"
#include "kernel/vm/build.h"
#include "kernel/vm/device.h"
#include "kernel/vm/faults.h"
#include "kernel/vm/life.h"
#include "kernel/vm/link.h"
#include "lib/assert.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/uart16550.h"
#include "lib/x86/insn.h"

#define DATE_UNKNOWN \
    UINT64_C(1767225600) /* 2026-01-01: what guests see when the firmware is silent */

static SEALED struct config config;
static SEALED struct plan *plan;
static SEALED struct errors report;
static SEALED struct virt_report virt_report;
static SEALED const struct vendor *vendor;
static SEALED struct vm *vms[GUESTS_MAX];
static struct faults faults;

void launch_probe(struct start_state *start)
{
    virt_probe(&virt_report);
    cpu_need(&virt_report);
    vendor = vendor_of(virt_report.vendor);
    start->machine.needs_monitor = !virt_report.guest_timer;
    if (virt_report.missing_count == 0)
        start->cpuid = vendor->cpuid;
}

bool launch_possible(const struct start_state *start)
{
    virt_need(&virt_report, virt_report.guest_timer || start->machine.core_count > 1,
              "a second core (none of this processor's timers counts while a guest runs: core #0 "
              "watches the guests' deadlines)");
    if (virt_report.missing_count == 0)
        return true;
    log_line("this machine cannot run guests; it lacks:");
    for (uint32_t i = 0; i < virt_report.missing_count; i++)
        log_line("  - %s", virt_report.missing[i]);
    return false;
}

/* ------------------------------------------------------------------ the file */

static void launch_print_errors(const struct start_state *start)
{
    char line[LOG_LINE_MAX];

    for (uint32_t i = 0; errors_print(&report, i, start->config_name, line, sizeof(line)); i++)
        log_line("%s", line);
}

/* Of a set of files that is tried: what keeps it. */
static void launch_tell_confirm(void)
{
    const char *cannot;

    if (!confirm_is_tried(&cannot) || cannot != NULL)
        return;
    for (uint32_t i = 0; i < config.guest_count; i++) {
        const struct config_guest *g = &config.guests[i];
        if (g->confirms == CONFIRM_BY_OPERATOR)
            continue;
        log_line("what confirms it: `confirm` in the monitor, or the %s of guest '%s'",
                 g->confirms == CONFIRM_BY_WATCHDOG ? "first watchdog call"
                                                    : "power-off with code 0",
                 g->name);
        return;
    }
    log_line("what confirms it: `confirm` in the monitor");
}

/* As large as the file's guests need, from what will be constant. */
static bool launch_make_plan(struct start_state *start)
{
    const size_t size = plan_size(config.guest_count);

    plan = pages_get_constant(&start->pages, (size + PAGE_SIZE - 1) / PAGE_SIZE);
    if (plan == NULL) {
        errors_add(&report, 0, "there is no memory for a plan of %u guests", config.guest_count);
        return false;
    }
    return plan_make(plan, &config, &start->machine, &report);
}

/* Emulators, and hypervisors that may migrate us, promise nothing. */
static bool launch_tsc_invariant(const struct start_state *start)
{
    return start->tsc.invariant || config.machine.tsc_trusted;
}

bool launch_plan(struct start_state *start)
{
    start->machine.linux_tsc_khz = vendor->linux_needs_tsc_rate ? start->tsc.hz / 1000 : 0;
    start->machine.linux_options = vendor->linux_options;
    const struct machine_module *module = modules_find(&start->machine, FOLDER_CONFIG);

    ASSERT(module != NULL); /* else this is a survey */
    if (strcmp(start->config_name, FOLDER_CONFIG) != 0)
        log_line("configuration: %s", start->config_name);
    bool ok = config_parse(&config, (const char *)module->bytes, module->size, &report);

    if (ok)
        modules_give(&start->machine, &config);
    if (!ok || !launch_make_plan(start)) {
        launch_print_errors(start);
        return false;
    }
    ASSERT(plan_valid(plan, &start->machine));
    if (config.machine.serial && (config.machine.serial_port || config.machine.serial_baud))
        console_use_serial(config.machine.serial_port ? config.machine.serial_port : UART_COM1,
                           config.machine.serial_baud);
    if (config.machine.panic_reboots)
        panic_reset_machine(start->tsc.hz, true);
    console_select(config.machine.serial, config.machine.screen);
    plan_print(plan, &start->machine, log_line);
    launch_tell_confirm();
    if (!launch_tsc_invariant(start))
        log_line("the processor does not promise an invariant TSC: guests are not told of one; "
                 "`tsc = trusted` under [machine] asserts it");
    return true;
}

/* ------------------------------------------------------------------ building */

/* SDM "IA32_ARCH_CAPABILITIES", PSCHANGE_MC_NO. */
static bool launch_large_leaves(void)
{
    if (virt_has_large_leaves())
        return true;
    log_line(plan->config->machine.guests_trusted
                 ? "nested tables: large leaves, although a guest can raise a machine check by "
                   "changing the size of a page (isolation = trusted)"
                 : "nested tables: 4 KiB leaves only (machine check on page size change)");
    return plan->config->machine.guests_trusted;
}

bool launch_prepare(struct start_state *start)
{
    const struct build_kit kit = {
        .pages = &start->pages,
        .machine = &start->machine,
        .tsc = &start->tsc,
        .tsc_invariant = launch_tsc_invariant(start),
        .apic_timer_hz = start->timer.hz,
        .seconds = start->seconds ? start->seconds : DATE_UNKNOWN,
        .vendor = vendor,
        .physical_bits = virt_report.physical_bits,
        .large_leaves = launch_large_leaves(),
        .guest_timer = virt_report.guest_timer,
        .monitor_core = plan->reserved_cores > 0,
    };

    for (uint32_t id = 0; id < start->machine.core_count; id++)
        vcpuid_host_hide(&cpus[id]->facts->cpuid, virt_report.no_rdtscp, virt_report.no_invpcid);
    for (uint32_t i = 0; i < plan->guest_count; i++) {
        if (build_vm(&vms[i], &plan->guests[i], i, &kit) != OK)
            return false;
    }
    for (uint32_t i = 0; i < plan->guest_count; i++)
        if (device_build(vms[i], i, start->iommu, start->ecam, &start->pages) != OK)
            return false;
    faults_build(&faults, start->iommu, vms, plan->guest_count);
    dma_open_bridges(start, plan);
    if (link_build(plan, vms, &start->pages) != OK)
        return false;
    if (!smp_virt_on(start->machine.core_count, &start->tsc))
        return false;
    pages_seal(&start->pages);
    return true;
}

/* ------------------------------------------------------------------ running */

/* Where the time until now went; what a guest's own start takes, its first line tells. */
static void launch_print_ticks(const struct start_state *start)
{
    const uint64_t *stamps = start->stamps;

    log_line("start-up ticks: files %llu, loader %llu, hypervisor %llu",
             (unsigned long long)ticks_since(stamps[BOOT_STAMP_FILES], stamps[BOOT_STAMP_ENTRY]),
             (unsigned long long)ticks_since(stamps[BOOT_STAMP_EXIT], stamps[BOOT_STAMP_FILES]),
             (unsigned long long)ticks_since(rdtsc(), stamps[BOOT_STAMP_EXIT]));
}

void launch_run(struct start_state *start)
{
    const struct monitor_view view = {
        .machine = &start->machine,
        .pages = &start->pages,
        .tsc = &start->tsc,
        .plan = plan,
        .vendor = vendor,
        .vms = vms,
        .vm_count = plan->guest_count,
        .bus_locks = virt_report.bus_locks,
        .safe_leaves = virt_has_large_leaves(),
        .iommu = start->iommu,
        .faults = &faults,
    };

    launch_print_ticks(start);
    monitor_init(&view);
    if (address_space_seal(start, plan) != OK)
        panic("the hypervisor's own memory could not be sealed");
    console_start_pumping();
    for (uint32_t id = 1; id < start->machine.core_count; id++) {
        atomic_store(&cpus[id]->wake, 1);
        cores_kick(cpus[id]);
    }
    atomic_store(&life_count, 1); /* held, so that a guest that ends at once is not the last */
    for (uint32_t i = 0; i < plan->guest_count; i++)
        (void)life_start(vms[i]);
    atomic_fetch_sub(&life_count, 1);
    monitor_run(cpus[0]);
}
