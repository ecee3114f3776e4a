/* SPDX-License-Identifier: MIT */
/*
 * address_space: the hypervisor's own memory: the page pool, what is mapped and with which rights,
 * and what is left for guests. Boot core only.
 */
#pragma once

#include "kernel/plan/plan.h"
#include "kernel/start/start.h"
#include "lib/status.h"

/* Takes the page pool and builds core 0's address space; fills machine.ranges, .own and .modules.
 * False, after saying why. */
MUST_CHECK bool address_space_create(struct start_state *start);

/*
 * Last: what is not needed any more is unmapped, what does not change any more becomes read-only.
 * Every other core calls host_flush_tlb() before it runs a guest.
 */
MUST_CHECK enum status address_space_seal(struct start_state *start, const struct plan *plan);
