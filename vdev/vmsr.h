/* SPDX-License-Identifier: MIT */
/*
 * vmsr: the MSR policy: one table that the hardware bitmap is built from (vmx/bitmaps.c) and that
 * answers the exits. An MSR without a row is #GP(0). x2APIC rows are here too; their answers are
 * vdev/vapic.c's. Pure.
 */
#pragma once

#include "lib/policy.h"
#include "lib/types.h"
#include "vdev/vapic.h"

extern const struct msr_row vmsr_rows[];
extern const uint32_t vmsr_row_count;

/* What emulated MSRs hold, per vCPU. Zero-initialised, then vmsr_reset(). */
struct vmsr {
    bool is_bsp;
    uint64_t mtrr_def_type; /* virtual: stored, never reaches the hardware */
};

void vmsr_reset(struct vmsr *m, bool is_bsp);

/* The row of `index`, or NULL. On the exit path: bounded, binary search. */
const struct msr_row *vmsr_row(uint32_t index);

/*
 * For exits. A register that is the hardware's own (MSR_DIRECT) never exits, so here it is refused
 * like one without a row. False: #GP(0). `apic` and `action` as in vdev/vapic.h; the action of a
 * successful write outside the x2APIC range is VAPIC_NOTHING.
 */
MUST_CHECK bool vmsr_read(const struct vmsr *m, const struct vapic *apic, uint32_t index,
                          uint64_t *value);
MUST_CHECK bool vmsr_write(struct vmsr *m, struct vapic *apic, const struct vapic_peers *peers,
                           uint32_t index, uint64_t value, struct vapic_action *action);
