/* SPDX-License-Identifier: MIT */
#include "kernel/vm/build.h"

#include "kernel/core/cores.h"
#include "kernel/core/facts.h"
#include "kernel/vm/debug.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"

static void *build_alloc(struct pages *pages, uint64_t bytes)
{
    return pages_get(pages, (bytes + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
}

/* Nobody writes to the tables any more. */
static enum status build_map(struct vm *vm, const struct build_kit *kit)
{
    const struct guest_map *map = &vm->plan->map;
    enum status s = virt_nested_create(&vm->map, kit->large_leaves, kit->pages);

    if (s == OK)
        s = guest_map_fill(map, &vm->map);
    ASSERT(s != OK || virt_nested_valid(map, pages_constant(kit->pages), vm->map.root));
    return s;
}

/* The second, for a guest that has tables: kernel/vm/table.h. */
static enum status build_open_map(const struct vm *vm, const struct build_kit *kit, hpa_t *root)
{
    struct pagetable pt;

    *root = hpa(0);
    if (!guest_map_has(&vm->plan->map, REGION_TABLE))
        return OK;
    struct guest_map *map = build_alloc(kit->pages, sizeof(*map));
    if (!map)
        return FAIL(E_NOMEM, "no pages for the map of '%s'", vm->name);
    guest_map_open_tables(map, &vm->plan->map);
    enum status s = virt_nested_create(&pt, kit->large_leaves, kit->pages);
    if (s == OK)
        s = guest_map_fill(map, &pt);
    ASSERT(s != OK || virt_nested_valid(map, pages_constant(kit->pages), pt.root));
    *root = pt.root;
    return s;
}

/* What CPUID says on a core of the guest's, as far as the guest's other cores say it too. */
static struct vcpuid_host build_host(const struct plan_guest *plan, uint32_t index)
{
    struct vcpuid_host host = cpus[plan->cores[index]]->facts->cpuid;

    for (uint32_t i = 0; i < plan->core_count; i++)
        if (i != index)
            vcpuid_host_meet(&host, &cpus[plan->cores[i]]->facts->cpuid);
    return host;
}

/* What `trace` in the file asks for. */
static enum status build_trace(struct vcpu *v, struct pages *pages)
{
    struct trace_long *t = &v->soft->trace_long;

    t->count = v->vm->plan->config->trace;
    if (t->count == 0)
        return OK;
    t->places = build_alloc(pages, trace_long_bytes(t->count));
    v->is_traced = true;
    return t->places ? OK : FAIL(E_NOMEM, "no pages for the trace of '%s'", v->vm->name);
}

static enum status build_vcpu(struct vm *vm, uint32_t index, const struct build_kit *kit,
                              void *shared)
{
    struct vcpu *v = &vm->vcpus[index];
    const uint32_t core = vm->plan->cores[index];
    struct vcpu_soft *soft = build_alloc(kit->pages, sizeof(*soft));

    if (!soft)
        return FAIL(E_NOMEM, "no pages for a vCPU of '%s'", vm->name);
    v->index = index;
    v->apic_id = kit->machine->apic_ids[core];
    v->vm = vm;
    v->cpu = cpus[core];
    v->soft = soft;
    const enum status traced = build_trace(v, kit->pages);
    if (traced != OK)
        return traced;
    soft->console_duty = core == 0 && !kit->monitor_core;
    soft->pump_deadline = soft->console_duty ? 0 : UINT64_MAX;
    soft->watchdog_deadline = UINT64_MAX;
    soft->is_watched = !kit->guest_timer;
    soft->is_apart = soft->is_watched || v->is_traced;
    atomic_store(&soft->watched, UINT64_MAX);
    soft->pump_ticks = kit->tsc->hz / PUMPS_PER_SECOND;
    soft->timer_deadline = UINT64_MAX;
    soft->peers.count = vm->vcpu_count;
    soft->peers.self = index;
    for (uint32_t i = 0; i < vm->vcpu_count; i++)
        soft->peers.apic_ids[i] = kit->machine->apic_ids[vm->plan->cores[i]];
    const struct vcpuid_wish wish = {
        .apic_id = v->apic_id,
        .core_count = vm->vcpu_count,
        .physical_bits = kit->physical_bits,
        .tsc_hz = kit->tsc->hz,
        .tsc_invariant = kit->tsc_invariant,
        .apic_timer_hz = kit->apic_timer_hz,
        .xcr0_allowed = vm->xcr0_allowed,
    };
    const struct vcpuid_host host = build_host(vm->plan, index);

    vcpuid_build(&soft->cpuid, kit->vendor->cpuid, &host, &wish);
    cpus[core]->vcpu = v;
    cpus[core]->trace = &soft->stats.trace;
    return virt_vcpu_create(v, kit->pages, shared);
}

enum status build_vm(struct vm **out, const struct plan_guest *plan, uint32_t index,
                     const struct build_kit *kit)
{
    struct vm *vm = build_alloc(kit->pages, sizeof(*vm));
    struct vcpu *vcpus = build_alloc(kit->pages, plan->core_count * sizeof(*vcpus));
    void *shared = NULL;

    if (!vm || !vcpus)
        return FAIL(E_NOMEM, "no pages for guest '%s'", plan->config->name);
    vm->plan = plan;
    vm->tsc = kit->tsc;
    vm->clock = (struct vrtc_clock){
        .scale = &kit->tsc->scale, .start = kit->tsc->start, .seconds = kit->seconds};
    vm->watchdog_ticks = time_to_ticks(&kit->tsc->scale, plan->config->watchdog_ns);
    vm->watchdog_each = plan->config->watchdog_each;
    vm->name = plan->config->name;
    vm->vcpu_count = plan->core_count;
    vm->vcpus = vcpus;
    vm->vendor = kit->vendor;
    const struct vcpuid_host host = build_host(plan, 0); /* in flags its cores are all alike */

    vm->xcr0_allowed = vcpuid_xcr0_allowed(&host);
    text_copy(vm->console.name, sizeof(vm->console.name), vm->name);
    console_add_stream(&vm->console);
    hpa_t open_root = hpa(0);
    enum status s = build_map(vm, kit);

    if (s == OK)
        s = build_open_map(vm, kit, &open_root);
    const struct virt_vm_config config = {
        .msrs = kit->vendor->msrs,
        .cr4_allowed = vcpuid_cr4_allowed(kit->vendor->cpuid, &host),
        .nested_root = vm->map.root,
        .open_root = open_root,
        .tag = (uint16_t)(index + 1),
    };
    if (s == OK)
        s = virt_vm_create(&config, kit->pages, &shared);
    for (uint32_t i = 0; i < vm->vcpu_count && s == OK; i++)
        s = build_vcpu(vm, i, kit, shared);
    if (s == OK && plan->config->is_debugged)
        s = debug_build(vm, kit->pages);
    *out = vm;
    return s;
}
