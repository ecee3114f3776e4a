/* SPDX-License-Identifier: MIT */
/*
 * walk: what a stopped guest's own page tables make of a linear address. For its debugger alone
 * (docs/decisions/012); nothing that runs a guest needs to know. Reads at most four entries, writes
 * none, and believes none. SDM "Paging". Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* Reads `size` bytes (4 or 8) of the guest's memory; false: there is none. */
struct walk_memory {
    bool (*read)(void *context, gpa_t at, uint32_t size, uint64_t *value);
    void *context;
};

/* False: the address is not mapped, or not an address. */
MUST_CHECK bool walk_find(const struct vcpu_state *state, uint64_t linear,
                          const struct walk_memory *memory, gpa_t *found);
