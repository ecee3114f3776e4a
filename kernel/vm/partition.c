/* SPDX-License-Identifier: MIT */
#include "kernel/vm/partition.h"

#include "kernel/vm/vcpu.h"
#include "kernel/vm/watchdog.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

/* ------------------------------------------------------------------ creation */

static void *partition_alloc(struct pages *pages, uint64_t bytes)
{
    return pages_get(pages, (bytes + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
}

/* Guest RAM is contiguous in the host; the guest sees it in one or two ranges. */
static enum status partition_map(struct vm *vm, struct pages *pages)
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

static enum status partition_vcpu(struct vm *vm, uint32_t index, const struct partition_kit *kit,
                                  void *shared)
{
    struct vcpu *v = &vm->vcpus[index];
    const uint32_t core = vm->plan->cores[index];
    struct vcpu_soft *soft = partition_alloc(kit->pages, sizeof(*soft));

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
    return virt_vcpu_create(v, kit->pages, shared);
}

enum status partition_create(struct vm **out, const struct plan_guest *plan, uint32_t index,
                             const struct partition_kit *kit)
{
    struct vm *vm = partition_alloc(kit->pages, sizeof(*vm));
    struct vcpu *vcpus = partition_alloc(kit->pages, plan->core_count * sizeof(*vcpus));
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
    enum status s = partition_map(vm, kit->pages);
    const struct virt_vm_config config = {
        .msrs = kit->vendor->msrs,
        .cr4_allowed = vcpuid_cr4_allowed(kit->vendor->cpuid, kit->cpuid),
        .xcr0_allowed = vm->xcr0_allowed,
        .nested_root = vm->map.root,
        .tag = (uint16_t)(index + 1),
    };
    if (s == OK)
        s = virt_vm_create(&config, kit->pages, &shared);
    for (uint32_t i = 0; i < vm->vcpu_count && s == OK; i++)
        s = partition_vcpu(vm, i, kit, shared);
    *out = vm;
    return s;
}

/* ------------------------------------------------------------------ memory */

/* Where guest-physical `address` (inside its RAM) lies in the host. */
static hpa_t partition_host_address(const struct vm *vm, gpa_t address)
{
    const uint64_t offset =
        address.v < GUEST_LOW_MAX ? address.v : address.v - GUEST_HIGH_BASE + GUEST_LOW_MAX;
    return hpa(vm->plan->ram.base + offset);
}

/* Copies `size` bytes (or, without a source, zeroes) to host memory, window by window. */
static void partition_fill(const struct host_core *core, hpa_t to, const uint8_t *source,
                           uint64_t size)
{
    while (size > 0) {
        const uint64_t left = HOST_WINDOW_SIZE - to.v % HOST_WINDOW_SIZE;
        const uint64_t step = min_u64(left, size);
        void *at = host_window(core, to);

        if (source) {
            memcpy(at, source, step);
            source += step;
        } else {
            memset(at, 0, step);
        }
        to.v += step;
        size -= step;
    }
}

/* Of all of its RAM, the part that is the share of vCPU `index` of `count`: whole windows, so that
 * no two cores have one open. */
static struct range partition_share(const struct vm *vm, uint32_t index, uint32_t count)
{
    const struct range *ram = &vm->plan->ram;
    const uint64_t windows = (ram->size + HOST_WINDOW_SIZE - 1) / HOST_WINDOW_SIZE;
    const uint64_t from = windows * index / count * HOST_WINDOW_SIZE;
    const uint64_t to = windows * (index + 1) / count * HOST_WINDOW_SIZE;

    return (struct range){ram->base + from, min_u64(to, ram->size) - min_u64(from, ram->size)};
}

static void partition_scrub(struct range part)
{
    const struct host_core *core = &this_cpu()->host;

    partition_fill(core, hpa(part.base), NULL, part.size);
    host_window_close(core);
}

void partition_scrub_all(const struct vm *vm)
{
    partition_scrub(vm->plan->ram);
}

void partition_scrub_share(struct vm *vm, uint32_t index)
{
    partition_scrub(partition_share(vm, index, vm->vcpu_count));
    /* Release: the lead, which waits for all shares, copies the image behind our zeroes. */
    atomic_fetch_add_explicit(&vm->scrubbed, 1, memory_order_release);
}

void partition_load(struct vm *vm)
{
    const struct host_core *core = &vm->vcpus[0].cpu->host;
    const struct image *image = &vm->plan->image;
    const uint64_t begin = rdtsc();

    partition_scrub_share(vm, 0);
    while (atomic_load_explicit(&vm->scrubbed, memory_order_acquire) < vm->vcpu_count)
        cpu_pause();
    for (uint32_t i = 0; i < image->piece_count; i++)
        partition_fill(core, partition_host_address(vm, image->pieces[i].to),
                       image->pieces[i].source, image->pieces[i].size);
    host_window_close(core);
    console_begin_life(&vm->console);
    bus_reset(&vm->bus, &vm->console.tx, &vm->console.rx, &vm->clock);
    vm->started = rdtsc();
    vm->load_ticks = ticks_since(vm->started, begin);
    watchdog_begin(vm, vm->started);
}
