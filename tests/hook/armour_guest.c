/* SPDX-License-Identifier: MIT */
/*
 * armour_guest: what the tables and the policy say of guests, before the first has run.
 */
#include "kernel/core/cores.h"
#include "kernel/vm/vm.h"
#include "tests/hook/armour.h"

static bool is_own(const struct guest_map *map, struct range part)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct range row = {map->rows[i].to.v, map->rows[i].size};
        if (range_contains(row, part))
            return true;
    }
    return false;
}

static void expect_own_memory(const struct vm *vm)
{
    const struct guest_map *map = &vm->plan->map;
    struct pt_leaf leaf;
    uint64_t size = 0, all = 0;

    for (uint64_t at = 0; pt_next(&vm->map, at, &leaf); at = leaf.from + leaf.size) {
        const struct range part = {leaf.address.v, leaf.size};
        armour_expect(is_own(map, part), leaf.from);
        size += leaf.size;
    }
    for (uint32_t i = 0; i < map->count; i++)
        all += map->rows[i].size;
    armour_expect(size == all, size);
}

/* Each guest's tables have all of its memory and no other; the processor is given those. */
void armour_own_memory(struct vcpu *v)
{
    for (uint32_t i = 0; i < cores_made; i++) {
        if (!cpus[i]->vcpu)
            continue;
        expect_own_memory(cpus[i]->vcpu->vm);
        armour_backend->expect_tables(v, cpus[i]->vcpu);
    }
}

bool armour_is_direct(const struct msr_policy *policy, uint32_t msr, bool is_write)
{
    for (uint32_t i = 0; i < policy->count; i++) {
        const struct msr_row *row = &policy->rows[i];
        if (row->first <= msr && msr <= row->last)
            return (is_write ? row->write : row->read) == MSR_DIRECT;
    }
    return false;
}
