/* SPDX-License-Identifier: MIT */
#include "kernel/vm/build.h"

#include "kernel/core/cores.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"

static void *build_alloc(struct pages *pages, uint64_t bytes)
{
    return pages_get(pages, (bytes + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
}

/* Guest RAM is contiguous in the host; the guest sees it in one or two ranges. */
static enum status build_map(struct vm *vm, struct pages *pages)
{
    const struct plan_guest *plan = vm->plan;
    struct range ram[2];
    uint64_t host = plan->ram.base;
    struct guest_map map = {0};
    enum status s = pt_create(&vm->map, virt_nested_format(), pages);

    _Static_assert(ARRAY_SIZE(map.parts) == ARRAY_SIZE(ram), "a part for each range");
    image_ram(plan->config->memory, ram);
    for (uint32_t i = 0; i < ARRAY_SIZE(ram) && s == OK; i++) {
        if (ram[i].size == 0)
            continue;
        s = pt_map(&vm->map, ram[i].base, hpa(host), ram[i].size, PT_R | PT_W | PT_X,
                   PT_WRITE_BACK);
        map.parts[i] = (struct guest_part){ram[i].base, host, ram[i].size};
        host += ram[i].size;
    }
    map.tables = pages_constant(pages); /* nobody writes to them any more */
    ASSERT(s != OK || virt_nested_valid(&map, vm->map.root));
    return s;
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
    v->cpu = &cpus[core];
    v->soft = soft;
    soft->console_duty = core == 0 && !kit->monitor_core;
    soft->pump_deadline = soft->console_duty ? 0 : UINT64_MAX;
    soft->watchdog_deadline = UINT64_MAX;
    soft->is_watched = !kit->guest_timer;
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
        .xcr0_allowed = vm->xcr0_allowed,
    };
    vcpuid_build(&soft->cpuid, kit->vendor->cpuid, kit->cpuid, &wish);
    cpus[core].vcpu = v;
    cpus[core].trace = &soft->stats.trace;
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
    vm->xcr0_allowed = vcpuid_xcr0_allowed(kit->cpuid);
    text_copy(vm->console.name, sizeof(vm->console.name), vm->name);
    console_add_stream(&vm->console);
    enum status s = build_map(vm, kit->pages);
    const struct virt_vm_config config = {
        .msrs = kit->vendor->msrs,
        .cr4_allowed = vcpuid_cr4_allowed(kit->vendor->cpuid, kit->cpuid),
        .nested_root = vm->map.root,
        .tag = (uint16_t)(index + 1),
    };
    if (s == OK)
        s = virt_vm_create(&config, kit->pages, &shared);
    for (uint32_t i = 0; i < vm->vcpu_count && s == OK; i++)
        s = build_vcpu(vm, i, kit, shared);
    *out = vm;
    return s;
}
