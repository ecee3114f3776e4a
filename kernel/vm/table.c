/* SPDX-License-Identifier: MIT */
#include "kernel/vm/table.h"

#include "drivers/iommu/iommu.h"
#include "kernel/core/cores.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "mm/host.h"
#include "vdev/vmsi.h"

/* An entry, as doublewords. */
enum table_word { WORD_ADDRESS, WORD_HIGH, WORD_DATA, WORD_CONTROL, ENTRY_WORDS };

_Static_assert(ENTRY_WORDS * sizeof(uint32_t) == PCI_MSIX_ENTRY, "so says the specification");

#define CONTROL_MASKED BIT32(0)

/* A store of 64 bytes may be told of by its first byte or, where it crosses into the page, by the
 * page's. One that reaches further (FXSAVE, XSAVE) counts with the next write near by. */
#define STORE_REACH 63

/* ------------------------------------------------------------------ the page of ours */

/* Where it is for this core, until the window is closed: all tables of a guest lie in one window.
 */
static volatile uint32_t *table_open(const struct vm *vm, const struct device *d)
{
    const struct guest_region *row = guest_map_find(&vm->plan->map, d->plan->table);

    ASSERT(row && row->kind == REGION_TABLE);
    return host_window(&this_cpu()->host, hpa(row->to.v + (d->plan->table.v - row->at.v)));
}

static void table_close(void)
{
    host_window_close(&this_cpu()->host);
}

static void table_fill(const struct vm *vm, const struct device *d)
{
    const struct guest_region *row = guest_map_find(&vm->plan->map, d->plan->table);
    volatile uint32_t *ours = table_open(vm, d);
    volatile uint32_t *page = ours - (d->plan->table.v - row->at.v) / sizeof(*page);

    for (uint64_t i = 0; i < row->size / sizeof(*page); i++)
        page[i] = 0;
    for (uint32_t i = 0; i < d->plan->entry->msix.count; i++)
        ours[i * ENTRY_WORDS + WORD_CONTROL] = CONTROL_MASKED;
    table_close();
}

/* ------------------------------------------------------------------ the device's own */

/* It is masked while it changes. "MSI-X Table Structure": else what it sends is undefined. */
static void table_put(const struct vm *vm, struct device *d, uint32_t i,
                      const uint32_t entry[ENTRY_WORDS])
{
    volatile uint32_t *own = d->table + (size_t)i * ENTRY_WORDS;
    const struct vapic_peers *peers = &vm->vcpus[0].soft->peers;
    const uint16_t id = device_id(d);
    struct vmsi_target target;
    uint32_t address, data;
    const bool sends = !(entry[WORD_CONTROL] & CONTROL_MASKED) && entry[WORD_HIGH] == 0 &&
                       vmsi_route(entry[WORD_ADDRESS], entry[WORD_DATA], peers, &target);

    own[WORD_CONTROL] = CONTROL_MASKED;
    if (sends &&
        !iommu_route(vm->iommu, id, i, peers->apic_ids[target.vcpu], (uint8_t)target.value))
        d->is_lost = true;
    iommu_message(vm->iommu, id, i, &address, &data);
    own[WORD_ADDRESS] = address;
    own[WORD_HIGH] = 0;
    own[WORD_DATA] = data;
    own[WORD_CONTROL] = sends ? 0 : CONTROL_MASKED;
    (void)own[WORD_CONTROL]; /* it has arrived */
}

void table_reset(const struct vm *vm, struct device *d)
{
    if (d->plan->messages == 0)
        return;
    for (uint32_t i = 0; i < d->plan->entry->msix.count; i++)
        d->table[(size_t)i * ENTRY_WORDS + WORD_CONTROL] = CONTROL_MASKED;
    (void)d->table[WORD_CONTROL];
    table_fill(vm, d);
}

/* ------------------------------------------------------------------ from one into the other */

/* Entries from `first` to `last`, of those that the guest sees. */
static void table_sync(const struct vm *vm, struct device *d, uint64_t first, uint64_t last)
{
    volatile uint32_t *ours = table_open(vm, d);

    for (uint64_t i = first; i <= last && i < d->plan->messages; i++) {
        uint32_t entry[ENTRY_WORDS];

        for (uint32_t k = 0; k < ENTRY_WORDS; k++)
            entry[k] = ours[i * ENTRY_WORDS + k]; /* once: the guest may be writing */
        table_put(vm, d, (uint32_t)i, entry);
    }
    table_close();
}

void table_sync_all(const struct vm *vm, struct device *d)
{
    table_sync(vm, d, 0, UINT32_MAX);
}

static void table_sync_near(const struct vm *vm, struct device *d, gpa_t at)
{
    const uint64_t begin = d->plan->table.v, end = begin + d->plan->messages * PCI_MSIX_ENTRY;
    const uint64_t from = max_u64(at.v, begin + STORE_REACH) - STORE_REACH;

    if (d->plan->messages == 0 || from >= end || at.v + STORE_REACH < begin)
        return;
    lock_take(&d->lock);
    table_sync(vm, d, (from - begin) / PCI_MSIX_ENTRY,
               (at.v + STORE_REACH - begin) / PCI_MSIX_ENTRY);
    lock_release(&d->lock);
}

bool table_write(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct guest_region *row = guest_map_find(&v->vm->plan->map, x->fault.address);

    if (!row || row->kind != REGION_TABLE || !(x->fault.access & NESTED_WRITE) ||
        x->fault.table_walk || !virt_write_once(v))
        return false;
    v->soft->table_write = x->fault.address;
    return true;
}

void table_written(struct vcpu *v)
{
    const gpa_t at = v->soft->table_write;

    if (at.v == 0)
        return;
    v->soft->table_write = gpa(0);
    for (uint32_t i = 0; i < v->vm->device_count; i++)
        table_sync_near(v->vm, &v->vm->devices[i], at);
}
