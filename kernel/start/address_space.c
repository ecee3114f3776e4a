/* SPDX-License-Identifier: MIT */
#include "kernel/start/address_space.h"

#include "drivers/lapic.h"
#include "kernel/config/next.h"
#include "kernel/core/confirm.h"
#include "kernel/core/cores.h"
#include "kernel/core/runtime.h"
#include "kernel/plan/modules.h"
#include "kernel/start/handover.h"
#include "kernel/start/memory_map.h"
#include "kernel/start/runtime_map.h"
#include "kernel/start/smp.h"
#include "kernel/virt.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/x86/insn.h"
#include "mm/firmware.h"

#define POOL_BASE_SIZE (4 * MIB)
#define POOL_PER_CORE  (256 * KIB)
#define POOL_RUNTIME   (2 * MIB) /* tables for the firmware's memory, and ... */
#define RUNTIME_PART   256       /* ... this part of the pool, for tables that map the pool */
#define ENTRY_SIZE     8         /* of the nested tables, for a leaf of a guest's memory */

/* linker.ld */
extern const uint8_t image_start[], image_text_end[], image_rodata_end[], image_end[];
extern const uint8_t image_sealed[], image_sealed_end[];

/* What guests may get: files, too, as disks. */
static uint64_t address_space_ram_size(const struct start_state *start)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < start->machine.range_count; i++)
        size += start->machine.ranges[i].size;
    for (uint32_t i = 0; i < start->machine.module_count; i++)
        size += start->machine.modules[i].place.size;
    return size;
}

/* A place for the pool in `free` that holds none of the page tables we run on: zeroing it would
 * take them away. */
static bool address_space_fit_pool(struct range free, uint64_t size, struct range *pool)
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
static bool address_space_take_pool(struct start_state *start)
{
    const uint64_t cores = start->acpi.core_count ? start->acpi.core_count : 1;
    const struct range low = {RAM_LOW_END, 4 * GIB - RAM_LOW_END};
    const uint64_t leaf = virt_has_large_leaves() ? PAGE_SIZE_2M : PAGE_SIZE;
    const uint64_t ram = address_space_ram_size(start);
    const uint64_t sets =
        start->acpi.iommu_count != 0 ? 2 : 1; /* the other: mm/guest_map.h, tables */
    struct range_list list = {start->machine.range_count, MACHINE_RANGES_MAX,
                              start->machine.ranges};
    uint64_t size = POOL_BASE_SIZE + min_u64(cores, CORES_MAX) * POOL_PER_CORE +
                    sets * (ram / leaf) * ENTRY_SIZE + iommu_room(&start->acpi, ram);
    struct range pool;

    if (start->info->set == BOOT_SET_TRIED)
        size += POOL_RUNTIME + size / RUNTIME_PART;
    if (!align_up(size, PAGE_SIZE_2M, &size))
        return false;
    for (uint32_t i = list.count; i-- > 0;) { /* from the top: low memory is dear */
        if (!address_space_fit_pool(range_intersect(list.rows[i], low), size, &pool))
            continue;
        if (!range_list_remove(&list, pool))
            continue;
        start->machine.range_count = list.count;
        pages_init(&start->pages, pool);
        return true;
    }
    log_line("not enough memory: the hypervisor needs %llu KiB of contiguous memory below 4 GiB",
             (unsigned long long)(size / KIB));
    return false;
}

struct shared_region {
    uint64_t base, size; /* size 0: this machine has none */
    uint32_t rights;
    enum pt_memory type;
    bool small; /* by 4 KiB pages, because a part of it changes its rights later */
};

static enum status address_space_add(struct host_map *map, const struct shared_region *r)
{
    if (r->size == 0)
        return OK;
    return r->small ? host_map_add_small(map, r->base, r->size, r->rights, r->type)
                    : host_map_add(map, r->base, r->size, r->rights, r->type);
}

/* Of the reset register, if there is one in memory that is not mapped otherwise. */
static uint64_t address_space_reset_page(const struct start_state *start)
{
    const struct boot_framebuffer *fb = &start->info->framebuffer;
    const struct acpi_info *acpi = &start->acpi;
    const struct range page = {align_down(acpi->reset_memory.v, PAGE_SIZE), PAGE_SIZE};

    if (!acpi->has_reset || acpi->reset_port != 0 || page.base == LAPIC_MMIO ||
        (fb->format != BOOT_PIXEL_NONE && range_overlaps(page, (struct range){fb->base, fb->size})))
        return 0;
    return page.base;
}

/* A page for each function that guests could have, or that resets them: the others' go when memory
 * is sealed.
 * What is not in memory, or at an address that we do not map, is no guest's. */
static hpa_t address_space_function(const struct start_state *start, uint32_t i)
{
    const struct pci_entry *e = &start->machine.devices.entries[i];

    return hpa(start->ecam.v != 0 && e->segment == 0 ? start->ecam.v + e->address : 0);
}

static enum status address_space_map_functions(struct start_state *start)
{
    enum status s = OK;

    for (uint32_t i = 0; i < start->machine.devices.count && s == OK; i++) {
        const hpa_t page = address_space_function(start, i);
        if (page.v != 0)
            s = host_map_add_small(&start->map, page.v, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED);
    }
    return s;
}

/* All of them, or none. */
static bool address_space_map_pages(struct host_map *map, struct range pages)
{
    for (uint64_t at = 0; at < pages.size; at += PAGE_SIZE) {
        if (host_map_add_small(map, pages.base + at, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED) == OK)
            continue;
        const enum status s = host_map_remove(map, pages.base, at);
        ASSERT(s == OK);
        return false;
    }
    return true;
}

/* The same of the functions' MSI-X tables. One that lies where something else does, or nothing can,
 * is none. */
static void address_space_map_tables(struct start_state *start)
{
    for (uint32_t i = 0; i < start->machine.devices.count && start->acpi.iommu_count != 0; i++) {
        struct pci_entry *e = &start->machine.devices.entries[i];
        const struct range own = plan_device_table(e);
        if (own.size != 0 &&
            (address_space_function(start, i).v == 0 || !address_space_map_pages(&start->map, own)))
            e->msix.count = 0;
    }
}

/* For ever: devices come and go with their guests. One whose registers lie where something else
 * does, or nothing can, is left alone. */
static void address_space_map_iommus(struct start_state *start)
{
    struct acpi_info *acpi = &start->acpi;

    for (uint32_t i = acpi->iommu_count; i-- > 0;) {
        const struct acpi_iommu *u = &acpi->iommus[i];
        if (host_map_add(&start->map, u->address.v, acpi_iommu_size(u), PT_R | PT_W, PT_UNCACHED) ==
            OK)
            continue;
        log_line("acpi: the registers of the IOMMU at 0x%llx cannot be reached: not used",
                 (unsigned long long)u->address.v);
        acpi_iommu_drop(acpi, i);
    }
}

/* What all of our code needs, on any tables. */
static enum status address_space_map_own(struct start_state *start, struct host_map *map)
{
    const uint64_t image = (uintptr_t)image_start, text_end = (uintptr_t)image_text_end;
    const uint64_t rodata_end = (uintptr_t)image_rodata_end, end = (uintptr_t)image_end;
    const uint64_t sealed = (uintptr_t)image_sealed, sealed_end = (uintptr_t)image_sealed_end;
    const struct boot_info *info = start->info;
    const struct boot_framebuffer *fb = &info->framebuffer;
    const struct range pool = start->pages.pool;
    const uint64_t reset = address_space_reset_page(start);
    const uint64_t fb_size = fb->format != BOOT_PIXEL_NONE ? fb->size : 0;
    const struct shared_region regions[] = {
        {image, text_end - image, PT_R | PT_X, PT_WRITE_BACK, false},
        {text_end, rodata_end - text_end, PT_R, PT_WRITE_BACK, false},
        {rodata_end, sealed - rodata_end, PT_R | PT_W, PT_WRITE_BACK, false},
        {sealed, sealed_end - sealed, PT_R | PT_W, PT_WRITE_BACK, true},
        {sealed_end, end - sealed_end, PT_R | PT_W, PT_WRITE_BACK, false},
        {pool.base, pool.size, PT_R | PT_W, PT_WRITE_BACK, true},
        /* Uncached: a reset throws away what is in the caches only. */
        {info->lastlog, info->lastlog_size, PT_R | PT_W, PT_UNCACHED, false},
        {fb->base, fb_size, PT_R | PT_W, PT_WRITE_COMBINING, false},
        {LAPIC_MMIO, PAGE_SIZE, PT_R | PT_W, PT_UNCACHED, false},
        {reset, reset ? PAGE_SIZE : 0, PT_R | PT_W, PT_UNCACHED, false},
    };
    enum status s = host_map_create(map, &start->pages);

    for (uint32_t i = 0; i < ARRAY_SIZE(regions) && s == OK; i++)
        s = address_space_add(map, &regions[i]);
    return s;
}

/* Everything that is the same on all cores. */
static enum status address_space_map_shared(struct start_state *start)
{
    enum status s = address_space_map_own(start, &start->map);

    if (s == OK && start->low_page.v)
        s = host_map_add(&start->map, start->low_page.v, PAGE_SIZE, PT_R | PT_X, PT_WRITE_BACK);
    for (uint32_t i = 0; i < start->machine.module_count && s == OK; i++)
        s = host_map_add(&start->map, start->machine.modules[i].place.base,
                         start->machine.modules[i].place.size, PT_R, PT_WRITE_BACK);
    if (s == OK)
        address_space_map_iommus(start);
    if (s == OK)
        s = address_space_map_functions(start);
    if (s == OK) /* last: where these lie is the firmware's and the functions' word */
        address_space_map_tables(start);
    return s;
}

/* Notes that this is not for guests, and takes it out of what is free if the firmware thinks so. */
static bool address_space_keep(struct machine *machine, uint64_t base, uint64_t size)
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

/* After address_space_map_shared(), which refuses what wraps. plan_valid() checks guests against
 * this. */
static bool address_space_keep_own(struct start_state *start)
{
    struct machine *machine = &start->machine;
    const struct boot_framebuffer *fb = &start->info->framebuffer;
    const uint64_t reset = address_space_reset_page(start);
    bool ok =
        address_space_keep(machine, 0, RAM_LOW_END) &&
        address_space_keep(machine, (uintptr_t)image_start, (uint64_t)(image_end - image_start)) &&
        address_space_keep(machine, start->pages.pool.base, start->pages.pool.size) &&
        address_space_keep(machine, LAPIC_MMIO, PAGE_SIZE) &&
        (reset == 0 || address_space_keep(machine, reset, PAGE_SIZE)) &&
        address_space_keep(machine, start->info->lastlog, start->info->lastlog_size) &&
        (fb->format == BOOT_PIXEL_NONE || address_space_keep(machine, fb->base, fb->size));

    for (uint32_t i = 0; i < start->acpi.ioapic_count && ok; i++)
        ok = address_space_keep(machine, align_down(start->acpi.ioapics[i].address.v, PAGE_SIZE),
                                PAGE_SIZE);
    for (uint32_t i = 0; i < start->acpi.ecam_count && ok; i++) {
        const struct range ecam = memory_map_ecam(&start->acpi.ecams[i]);
        ok = address_space_keep(machine, ecam.base, ecam.size);
    }
    for (uint32_t i = 0; i < machine->module_count && ok; i++)
        ok = address_space_keep(machine, machine->modules[i].place.base,
                                machine->modules[i].place.size);
    for (uint32_t i = 0; i < start->acpi.iommu_count && ok; i++)
        ok = address_space_keep(machine, start->acpi.iommus[i].address.v,
                                acpi_iommu_size(&start->acpi.iommus[i]));
    if (!ok)
        log_line("memory is in too many pieces");
    return ok;
}

/* Of the firmware, what its own list says: looked through by runtime_map_flaw(). */
static enum status address_space_map_firmware(struct start_state *start)
{
    const struct boot_runtime *rows = (const struct boot_runtime *)(uintptr_t)start->info->runtime;
    enum status s = address_space_map_own(start, &start->runtime);

    for (uint32_t i = 0; i < start->info->runtime_count && s == OK; i++) {
        const uint32_t rights = rows[i].rights;
        s = host_map_add(&start->runtime, rows[i].base, rows[i].pages * PAGE_SIZE,
                         PT_R | ((rights & BOOT_RUNTIME_WRITE) ? (uint32_t)PT_W : 0) |
                             ((rights & BOOT_RUNTIME_EXECUTE) ? (uint32_t)PT_X : 0),
                         (rights & BOOT_RUNTIME_UNCACHED) ? PT_UNCACHED : PT_WRITE_BACK);
    }
    return s;
}

/* A set of files that is tried can be confirmed, where the firmware can be called for it. */
static void address_space_create_runtime(struct start_state *start, const struct ram_list *ram)
{
    const char *cannot;

    if (start->info->set != BOOT_SET_TRIED)
        return;
    cannot = runtime_map_flaw(start->info, ram);
    if (cannot == NULL && address_space_map_firmware(start) != OK)
        cannot = "the firmware's runtime memory overlaps itself or ours, or is too much";
    if (cannot == NULL) {
        start->has_runtime = true;
        runtime_init(host_map_join(&start->runtime, &cpus[0]->host), start->info->set_variable);
    } else {
        log_line(NEXT_FOLDER " cannot be confirmed: %s", cannot);
    }
    confirm_init(start->info->set_id, cannot);
}

bool address_space_create(struct start_state *start)
{
    const struct ram_list ram = handover_ram_list(start->info);

    memory_map_find(&start->machine, &ram);
    modules_take(&start->machine, start->info);
    if (!host_paging_ok() || !address_space_take_pool(start))
        return false;
    if (address_space_map_shared(start) != OK || !address_space_keep_own(start) ||
        host_core_create(&cpus[0]->host, &start->map, &start->pages) != OK)
        return false;
    address_space_create_runtime(start, &ram);
    if (start->low_page.v)
        smp_prepare(start->low_page, cpus[0]->host.root);
    return true;
}

enum status address_space_seal(struct start_state *start, const struct plan *plan)
{
    const struct range constant[] = {
        {(uintptr_t)image_sealed, (uintptr_t)image_sealed_end - (uintptr_t)image_sealed},
        pages_constant(&start->pages),
    };
    enum status s = OK;

    if (start->low_page.v) {
        smp_retire(start->low_page);
        s = host_map_remove(&start->map, start->low_page.v, PAGE_SIZE);
    }
    if (s == OK && start->x2apic) /* from now on it is reached by MSRs only */
        s = host_map_remove(&start->map, LAPIC_MMIO, PAGE_SIZE);
    for (uint32_t i = 0; i < start->machine.devices.count && s == OK; i++) {
        const struct pci_entry *e = &start->machine.devices.entries[i];
        const hpa_t page = address_space_function(start, i);
        const struct range own = plan_device_table(e);
        if (page.v == 0 || plan_has_device(plan, e))
            continue;
        if (!plan_resets_by(plan, e))
            s = host_map_remove(&start->map, page.v, PAGE_SIZE);
        if (s == OK && start->acpi.iommu_count != 0)
            s = host_map_remove(&start->map, own.base, own.size);
    }
    for (uint32_t i = 0; i < start->machine.module_count && s == OK; i++) {
        const struct machine_module *m = &start->machine.modules[i];
        if (m->given) /* a guest's now */
            s = host_map_remove(&start->map, m->place.base, m->place.size);
    }
    if (s == OK && start->has_runtime)
        s = host_make_constant(&start->runtime, constant, ARRAY_SIZE(constant));
    return s == OK ? host_make_constant(&start->map, constant, ARRAY_SIZE(constant)) : s;
}
