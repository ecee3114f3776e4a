/* SPDX-License-Identifier: MIT */
#include "kernel/vm/memory.h"

#include "kernel/core/cores.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

/* Copies `size` bytes (or, without a source, zeroes) to host memory, window by window. */
static void memory_fill(const struct host_core *core, hpa_t to, const uint8_t *source,
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

/* A piece lies whole in one row: plan_valid(). */
static void memory_place(const struct host_core *core, const struct guest_map *map,
                         const struct image_piece *piece)
{
    const struct guest_region *row = guest_map_find(map, piece->to);

    ASSERT(row);
    memory_fill(core, hpa(row->to.v + (piece->to.v - row->at.v)), piece->source, piece->size);
}

/* Of all of its RAM, the part that is the share of vCPU `index` of `count`: whole windows, so that
 * no two cores have one open. */
static struct range memory_share(const struct vm *vm, uint32_t index, uint32_t count)
{
    const struct range ram = guest_map_ram(&vm->plan->map);
    const uint64_t windows = (ram.size + HOST_WINDOW_SIZE - 1) / HOST_WINDOW_SIZE;
    const uint64_t from = windows * index / count * HOST_WINDOW_SIZE;
    const uint64_t to = windows * (index + 1) / count * HOST_WINDOW_SIZE;

    return (struct range){ram.base + from, min_u64(to, ram.size) - min_u64(from, ram.size)};
}

void memory_scrub(struct range host)
{
    const struct host_core *core = &this_cpu()->host;

    memory_fill(core, hpa(host.base), NULL, host.size);
    host_window_close(core);
}

static struct range memory_disk(const struct vm *vm, uint32_t d)
{
    const struct guest_region *row = guest_map_find(&vm->plan->map, vm->plan->disks[d].at);

    ASSERT(row && row->kind == REGION_DISK);
    return (struct range){row->to.v, row->size};
}

/* Disks that are the file's own pages have what they need, and others once they have had it. */
static void memory_load_disks(struct vm *vm, const struct host_core *core)
{
    for (uint32_t d = 0; d < vm->plan->config->disk_count; d++) {
        const struct machine_module *module = vm->plan->disks[d].module;
        const struct range to = memory_disk(vm, d);
        if (module->given || (vm->disks_loaded && !vm->plan->config->disks[d].fresh))
            continue;
        memory_fill(core, hpa(to.base), module->bytes, module->size);
        memory_fill(core, hpa(to.base + module->size), NULL, to.size - module->size);
    }
    vm->disks_loaded = true;
}

void memory_scrub_share(struct vm *vm, uint32_t index)
{
    memory_scrub(memory_share(vm, index, vm->vcpu_count));
    /* Release: whoever waits for all shares copies the image behind our zeroes. */
    atomic_fetch_add_explicit(&vm->scrubbed, 1, memory_order_release);
}

/* As vCPU `index`: its share, and then the others'. */
static void memory_scrub_ram(struct vm *vm, uint32_t index)
{
    memory_scrub_share(vm, index);
    while (atomic_load_explicit(&vm->scrubbed, memory_order_acquire) < vm->vcpu_count)
        cpu_pause();
}

void memory_scrub_all(struct vm *vm, uint32_t index)
{
    memory_scrub_ram(vm, index);
    for (uint32_t d = 0; d < vm->plan->config->disk_count; d++)
        if (vm->plan->config->disks[d].fresh)
            memory_scrub(memory_disk(vm, d));
}

void memory_load(struct vm *vm)
{
    const struct host_core *core = &vm->vcpus[0].cpu->host;
    const struct image *image = &vm->plan->image;

    memory_scrub_ram(vm, 0);
    for (uint32_t i = 0; i < image->piece_count; i++)
        memory_place(core, &vm->plan->map, &image->pieces[i]);
    memory_load_disks(vm, core);
    host_window_close(core);
}
