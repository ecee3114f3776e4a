/* SPDX-License-Identifier: MIT */
#include "kernel/vm/memory.h"

#include "kernel/core/cores.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "mm/host.h"

/* Where guest-physical `address` (inside its RAM) lies in the host. */
static hpa_t memory_host_address(const struct vm *vm, gpa_t address)
{
    const uint64_t offset =
        address.v < GUEST_LOW_MAX ? address.v : address.v - GUEST_HIGH_BASE + GUEST_LOW_MAX;
    return hpa(vm->plan->ram.base + offset);
}

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

/* Of all of its RAM, the part that is the share of vCPU `index` of `count`: whole windows, so that
 * no two cores have one open. */
static struct range memory_share(const struct vm *vm, uint32_t index, uint32_t count)
{
    const struct range *ram = &vm->plan->ram;
    const uint64_t windows = (ram->size + HOST_WINDOW_SIZE - 1) / HOST_WINDOW_SIZE;
    const uint64_t from = windows * index / count * HOST_WINDOW_SIZE;
    const uint64_t to = windows * (index + 1) / count * HOST_WINDOW_SIZE;

    return (struct range){ram->base + from, min_u64(to, ram->size) - min_u64(from, ram->size)};
}

static void memory_scrub(struct range part)
{
    const struct host_core *core = &this_cpu()->host;

    memory_fill(core, hpa(part.base), NULL, part.size);
    host_window_close(core);
}

void memory_scrub_all(const struct vm *vm)
{
    memory_scrub(vm->plan->ram);
}

void memory_scrub_share(struct vm *vm, uint32_t index)
{
    memory_scrub(memory_share(vm, index, vm->vcpu_count));
    /* Release: the lead, which waits for all shares, copies the image behind our zeroes. */
    atomic_fetch_add_explicit(&vm->scrubbed, 1, memory_order_release);
}

void memory_load(struct vm *vm)
{
    const struct host_core *core = &vm->vcpus[0].cpu->host;
    const struct image *image = &vm->plan->image;

    memory_scrub_share(vm, 0);
    while (atomic_load_explicit(&vm->scrubbed, memory_order_acquire) < vm->vcpu_count)
        cpu_pause();
    for (uint32_t i = 0; i < image->piece_count; i++)
        memory_fill(core, memory_host_address(vm, image->pieces[i].to), image->pieces[i].source,
                    image->pieces[i].size);
    host_window_close(core);
}
