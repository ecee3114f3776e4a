/* SPDX-License-Identifier: MIT */
/*
 * walk: what a stopped guest's own page tables make of a linear address. For its debugger alone
 * (docs/decisions/012); nothing that runs a guest needs to know. Reads at most four entries, writes
 * none, and believes none. SDM "Paging". Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

enum walk_step {
    WALK_READ,  /* the entry of `size` bytes (4 or 8) at `at` is to be read, and handed to walk_go()
                 */
    WALK_FOUND, /* the address is `at` */
    WALK_NONE,  /* the address is not mapped, or not an address */
};

/* One walk, whose caller does the reading: at most four times. */
struct walk {
    gpa_t at;
    uint32_t size;
    uint64_t linear;
    uint32_t level; /* of the entry that is read next */
    uint32_t index_bits;
    bool has_large_2, has_large_3; /* an entry of this level may be a page's */
};

MUST_CHECK enum walk_step walk_begin(struct walk *w, const struct vcpu_state *state,
                                     uint64_t linear);
MUST_CHECK enum walk_step walk_go(struct walk *w, uint64_t entry);
