/* SPDX-License-Identifier: MIT */
/*
 * link: memory and doorbells that guests have in common. The window is clear when the first of them
 * starts: it is cleared when the last has ended, and never while one runs; who starts meanwhile
 * waits.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "mm/pages.h"

/* For all links of the plan, once its guests' vms are built: [plan->guest_count], in its order.
 * Boot core. E_NOMEM */
MUST_CHECK enum status link_build(const struct plan *plan, struct vm *const vms[],
                                  struct pages *pages);

/* A life of the guest begins: on its lead core, before it runs and after vpci_reset(). */
void link_enter(struct vm *vm);

/* ... has ended: on a core of the guest, all of which are parked. Peers know it at once; what was
 * left is cleared by the second, which takes its time and comes before the guest's next life. */
void link_leave(struct vm *vm);
void link_clear_left(struct vm *vm);

/* The guest rings the doorbell of `side`, which the link has, at its end `end` (both below their
 * tables' lengths). A core of the guest. */
void link_ring(struct vm *vm, uint32_t end, uint32_t side);
