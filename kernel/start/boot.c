/* SPDX-License-Identifier: MIT */
#include "kernel/start/boot.h"

#include "drivers/lapic.h"
#include "kernel/console/console.h"
#include "kernel/core/canary.h"
#include "kernel/core/cores.h"
#include "kernel/core/power.h"
#include "kernel/plan/modules.h"
#include "kernel/start/memory_map.h"
#include "kernel/start/quiesce.h"
#include "kernel/start/smp.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "mm/firmware.h"

#define POOL_BASE_SIZE    (4 * MIB)
#define POOL_PER_CORE     (256 * KIB)
#define RAM_PER_POOL_BYTE (PAGE_SIZE_2M / 8) /* the nested tables' entry for 2 MiB of guest */

/* linker.ld */
extern const uint8_t image_start[], image_text_end[], image_rodata_end[], image_end[];
extern const uint8_t image_sealed[], image_sealed_end[];

/* ------------------------------------------------------------------ the loader's word */

bool boot_check(const struct boot_info *info)
{
    if (info->magic != BOOT_INFO_MAGIC || info->version != BOOT_INFO_VERSION ||
        info->size < sizeof(*info)) {
        log_line("the loader (BOOTX64.EFI) and bulkhead.elf are of different versions: install "
                 "both from one build");
        return false;
    }
    if (info->image_base != (uintptr_t)image_start || info->range_count == 0) {
        log_line("the loader's description of this machine is invalid");
        return false;
    }
    return true;
}

void boot_keep_log(const struct boot_info *info)
{
    const uint32_t count = console_keep_log((void *)(uintptr_t)info->lastlog, info->lastlog_size);
    if (count > 0)
        log_line("%u line%s of the previous boot %s kept: `log last` shows the last of them", count,
                 fmt_plural(count), count == 1 ? "is" : "are");
}

/* ------------------------------------------------------------------ firmware */

/* Firmware tables may lie in any RAM that nobody else uses, so free memory counts too: nothing has
 * been written to it yet. */
static const void *boot_acpi_at(void *context, hpa_t address, uint64_t size)
{
    return memory_map_readable(context, (struct range){address.v, size})
               ? (const void *)(uintptr_t)address.v
               : NULL;
}

/* SDM "CPUID—CPU Identification", leaf 80000008H. */
static struct ram_list boot_ram_list(const struct boot_info *info)
{
    struct ram_list list = {.ranges = (const struct boot_range *)(uintptr_t)info->ranges,
                            .count = info->range_count,
                            .physical_bits = 36};

    if (cpuid(0x80000000, 0).eax >= 0x80000008)
        list.physical_bits = cpuid(0x80000008, 0).eax & 0xff;
    return list;
}

void boot_read_firmware(struct boot_state *boot, const struct boot_info *info)
{
    struct ram_list ram = boot_ram_list(info);
    const struct acpi_memory memory = {boot_acpi_at, &ram};

    boot->info = info;
    boot->low_page = hpa(info->low_page);
    memcpy(boot->stamps, info->stamps, sizeof(boot->stamps));
    boot->seconds = info->seconds;
    boot->machine.has_screen = info->framebuffer.format != BOOT_PIXEL_NONE;
    if (!acpi_read(&boot->acpi, &memory, hpa(info->rsdp)))
        log_line("no usable ACPI tables: only the boot core will be used");
    memory_map_check_ioapics(&boot->acpi, &ram);
    power_init(&boot->acpi);
    if (boot->acpi.has_serial)
        console_use_serial(boot->acpi.serial_port, boot->acpi.serial_baud);
    quiesce_interrupts(&boot->acpi);
    quiesce_devices(boot->machine.has_screen);
}

/* ------------------------------------------------------------------ memory */

static uint64_t boot_ram_size(const struct boot_state *boot)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < boot->machine.range_count; i++)
        size += boot->machine.ranges[i].size;
    return size;
}

/* A place for the pool in `free` that holds none of the page tables we run on: zeroing it would
 * take them away. */
static bool boot_fit_pool(struct range free, uint64_t size, struct range *pool)
{
    const hpa_t tables = hpa(read_cr3());
    struct range table;

    while (range_fit(free, size, PAGE_SIZE_2M, pool)) {
        if (!firmware_table_in(tables, *pool, &table))
            return true;
        const uint64_t behind = table.base + PAGE_SIZE;
        free = range_intersect(free, (struct range){behind, 4 * GIB - behind});
    }
    return false;
}

/* The pool: below 4 GiB, because a starting core loads its first CR3 in 32-bit mode. */
static bool boot_take_pool(struct boot_state *boot)
{
    const uint64_t cores = boot->acpi.core_count ? boot->acpi.core_count : 1;
    const struct range low = {RAM_LOW_END, 4 * GIB - RAM_LOW_END};
    struct range_list list = {boot->machine.range_count, MACHINE_RANGES_MAX, boot->machine.ranges};
    uint64_t size = POOL_BASE_SIZE + min_u64(cores, CORES_MAX) * POOL_PER_CORE +
                    boot_ram_size(boot) / RAM_PER_POOL_BYTE;
    struct range pool;

    if (!align_up(size, PAGE_SIZE_2M, &size))
        return false;
    for (uint32_t i = list.count; i-- > 0;) { /* from the top: low memory is dear */
        if (!boot_fit_pool(range_intersect(list.rows[i], low), size, &pool))
            continue;
        if (!range_list_remove(&list, pool))
            continue;
        boot->machine.range_count = list.count;
        pages_init(&boot->pages, pool);
        return true;
    }
    log_line("not enough memory: the hypervisor needs %llu KiB of contiguous memory below 4 GiB",
             (unsigned long long)(size / KIB));
    return false;
}

/* Everything that is the same on all cores. */
static enum status boot_map_shared(struct boot_state *boot)
{
    const uint64_t image = (uintptr_t)image_start, text_end = (uintptr_t)image_text_end;
    const uint64_t rodata_end = (uintptr_t)image_rodata_end, end = (uintptr_t)image_end;
    const uint64_t sealed = (uintptr_t)image_sealed, sealed_end = (uintptr_t)image_sealed_end;
    const struct boot_framebuffer *fb = &boot->info->framebuffer;
    struct host_map *map = &boot->map;
    enum status s = host_map_create(map, &boot->pages);

    if (s == OK)
        s = host_map_add(map, image, text_end - image, PT_R | PT_X, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add(map, text_end, rodata_end - text_end, PT_R, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add(map, rodata_end, sealed - rodata_end, PT_R | PT_W, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add_small(map, sealed, sealed_end - sealed, PT_R | PT_W, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add(map, sealed_end, end - sealed_end, PT_R | PT_W, PT_WRITE_BACK);
    if (s == OK)
        s = host_map_add_small(map, boot->pages.pool.base, boot->pages.pool.size, PT_R | PT_W,
                               PT_WRITE_BACK);
    for (uint32_t i = 0; i < boot->machine.module_count && s == OK; i++)
        s = host_map_add(map, (uintptr_t)boot->machine.modules[i].bytes,
                         boot->machine.modules[i].size, PT_R, PT_WRITE_BACK);
    if (s == OK && boot->low_page.v)
        s = host_map_add(map, boot->low_page.v, PAGE_SIZE, PT_R | PT_X, PT_WRITE_BACK);
    /* Uncached: a reset throws away what is in the caches only. */
    if (s == OK)
        s = host_map_add(map, boot->info->lastlog, boot->info->lastlog_size, PT_R | PT_W,
                         PT_UNCACHED);
    if (s == OK && fb->format != BOOT_PIXEL_NONE)
        s = host_map_add(map, fb->base, fb->size, PT_R | PT_W, PT_WRITE_COMBINING);
    if (s == OK)
        s = host_map_add(map, LAPIC_MMIO, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED);
    return s;
}

/* Notes that this is not for guests, and takes it out of what is free if the firmware thinks so. */
static bool boot_keep(struct machine *machine, uint64_t base, uint64_t size)
{
    const struct range own = {.base = base, .size = size};
    struct range_list list = {machine->range_count, MACHINE_RANGES_MAX, machine->ranges};

    ASSERT(machine->own_count < MACHINE_OWN_MAX);
    machine->own[machine->own_count++] = own;
    if (!range_list_remove(&list, own))
        return false;
    machine->range_count = list.count;
    return true;
}

/* After boot_map_shared(), which refuses what wraps. plan_valid() checks guests against this. */
static bool boot_keep_own(struct boot_state *boot)
{
    struct machine *machine = &boot->machine;
    const struct boot_framebuffer *fb = &boot->info->framebuffer;
    bool ok = boot_keep(machine, 0, RAM_LOW_END) &&
              boot_keep(machine, (uintptr_t)image_start, (uint64_t)(image_end - image_start)) &&
              boot_keep(machine, boot->pages.pool.base, boot->pages.pool.size) &&
              boot_keep(machine, LAPIC_MMIO, PAGE_SIZE) &&
              boot_keep(machine, boot->info->lastlog, boot->info->lastlog_size) &&
              (fb->format == BOOT_PIXEL_NONE || boot_keep(machine, fb->base, fb->size));

    for (uint32_t i = 0; i < machine->module_count && ok; i++)
        ok = boot_keep(machine, (uintptr_t)machine->modules[i].bytes, machine->modules[i].size);
    if (!ok)
        log_line("memory is in too many pieces");
    return ok;
}

bool boot_take_memory(struct boot_state *boot)
{
    const struct ram_list ram = boot_ram_list(boot->info);

    memory_map_find(&boot->machine, &ram);
    modules_take(&boot->machine, boot->info);
    if (!host_paging_ok() || !boot_take_pool(boot))
        return false;
    if (boot_map_shared(boot) != OK || !boot_keep_own(boot) ||
        host_core_create(&cpus[0].host, &boot->map, &boot->pages) != OK)
        return false;
    if (boot->low_page.v)
        smp_prepare(boot->low_page, cpus[0].host.root);
    return true;
}

enum status boot_seal(struct boot_state *boot)
{
    const struct range constant[] = {
        {(uintptr_t)image_sealed, (uintptr_t)image_sealed_end - (uintptr_t)image_sealed},
        pages_constant(&boot->pages),
    };
    enum status s = OK;

    if (boot->low_page.v) {
        smp_retire(boot->low_page);
        s = host_map_remove(&boot->map, boot->low_page.v, PAGE_SIZE);
    }
    if (s == OK && boot->x2apic) /* from now on it is reached by MSRs only */
        s = host_map_remove(&boot->map, LAPIC_MMIO, PAGE_SIZE);
    return s == OK ? host_make_constant(&boot->map, constant, ARRAY_SIZE(constant)) : s;
}

/* ------------------------------------------------------------------ cores */

/* One more core answered. */
static void boot_add_core(struct boot_state *boot, uint32_t apic_id)
{
    boot->machine.apic_ids[boot->machine.core_count++] = apic_id;
}

static bool boot_prepare_core(struct boot_state *boot, uint32_t id, uint32_t apic_id)
{
    struct cpu *cpu = &cpus[id];

    cpu->id = id;
    cpu->apic_id = apic_id;
    if (id != 0)
        cpu->canary = canary_make();
    cpu->virt_region = pages_get(&boot->pages, 1, PAGE_SIZE);
    return cpu->virt_region &&
           (id == 0 || host_core_create(&cpu->host, &boot->map, &boot->pages) == OK);
}

/* How many low bits of an APIC id count the threads of a core. SDM "CPUID—CPU Identification",
 * leaves 1FH and 0BH. Processors keep bits for threads that they do not have: what counts is that
 * this core, of the kind that boots where there are two, has more than one (EBX). */
static uint32_t boot_thread_bits(void)
{
    const uint32_t last = cpuid(0, 0).eax;
    const uint32_t smt = 1; /* level type, in ECX */

    for (uint32_t i = 0; i < 2; i++) {
        const uint32_t leaf = i == 0 ? 0x1f : 0x0b;
        if (leaf > last)
            continue;
        const struct cpuid_regs r = cpuid(leaf, 0);
        if (r.ebx != 0)
            return (r.ecx >> 8 & 0xff) == smt && (r.ebx & 0xffff) > 1 ? r.eax & 0x1f : 0;
    }
    return 0;
}

/* All at once, so that they take their time together. */
static void boot_init_cores(const struct boot_state *boot, uint32_t self)
{
    uint32_t others = 0;

    for (uint32_t i = 0; i < boot->acpi.core_count && boot->low_page.v; i++) {
        if (boot->acpi.cores[i].apic_id == self)
            continue;
        lapic_init_core(boot->acpi.cores[i].apic_id);
        others++;
    }
    if (others)
        tsc_delay_us(&boot->tsc, LAPIC_INIT_US);
}

bool boot_start_cores(struct boot_state *boot)
{
    const uint32_t self = lapic_id();
    bool room = boot_prepare_core(boot, 0, self);

    if (!room) {
        log_line("no memory for the boot core, APIC id %u", self);
        return false;
    }
    boot->machine.thread_bits = boot_thread_bits();
    boot_add_core(boot, self);
    boot_init_cores(boot, self);
    for (uint32_t i = 0; i < boot->acpi.core_count && room; i++) {
        const uint32_t apic_id = boot->acpi.cores[i].apic_id;
        const uint32_t id = boot->machine.core_count;

        if (apic_id == self)
            continue;
        if (id == CORES_MAX || !boot->low_page.v) {
            log_line("core with APIC id %u is not used: %s", apic_id,
                     id == CORES_MAX ? "there are too many" : "no free page below 1 MiB");
            continue;
        }
        room = boot_prepare_core(boot, id, apic_id);
        if (!room) {
            log_line("no memory for the core with APIC id %u and those after it", apic_id);
            break;
        }
        if (!smp_start_core(id, boot->low_page, &boot->tsc)) {
            log_line("core with APIC id %u does not answer: it is not used", apic_id);
            continue;
        }
        boot_add_core(boot, apic_id);
    }
    if (!boot->tsc.invariant)
        log_line("this processor reports no invariant TSC: guests' clocks may drift");
    const uint32_t listed = boot->acpi.core_count ? boot->acpi.core_count : 1;
    log_line("%u of %u core%s answer%s, %s, TSC %llu kHz (%s)", boot->machine.core_count, listed,
             fmt_plural(listed), boot->machine.core_count == 1 ? "s" : "",
             boot->x2apic ? "x2APIC" : "no x2APIC", (unsigned long long)(boot->tsc.hz / 1000),
             boot->tsc.source);
    return true;
}
