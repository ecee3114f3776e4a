/* SPDX-License-Identifier: MIT */
/*
 * vmsr: the MSR policy: one table for each vendor (vdev/msr_intel.c) that the hardware bitmap is
 * built from (vmx/bitmaps.c) and that answers the exits, except AMD's of EFER (the backend's). An
 * MSR without a row is #GP(0). x2APIC rows are there too; their answers are vdev/vapic.c's. Pure.
 */
#pragma once

#include "lib/policy.h"
#include "lib/types.h"
#include "vdev/vapic.h"

/* No variable MTRRs; fixed ones, all write-back, and write-combining exist, which is what makes
 * every Linux set up its PAT. SDM "Memory Type Range Registers (MTRRs)" */
#define VMSR_MTRR_CAP   UINT64_C(0x500)
#define VMSR_MTRR_FIXED UINT64_C(0x0606060606060606)

/* What emulated MSRs hold, per vCPU. vmsr_reset() fills it. */
struct vmsr {
    const struct msr_policy *policy;
    bool is_bsp;
    uint64_t mtrr_def_type; /* virtual: stored, never reaches the hardware */
};

/*@ predicate sorted{L}(struct msr_policy *p) =
  @   \valid_read(p) && \valid_read(p->rows + (0 .. p->count - 1)) &&
  @   (\forall integer i; 0 <= i < p->count ==> p->rows[i].first <= p->rows[i].last) &&
  @   (\forall integer i, k; 0 <= i < k < p->count ==> p->rows[i].last < p->rows[k].first);
  @ predicate has{L}(struct msr_policy *p, integer i, integer index) =
  @   0 <= i < p->count && p->rows[i].first <= index <= p->rows[i].last;
  @ predicate opens{L}(struct msr_policy *p, integer i, integer index) = has(p, i, index) &&
  @   (p->rows[i].write == MSR_EMULATE || p->rows[i].write == MSR_IGNORE ||
  @    p->rows[i].write == MSR_KEEP);
  @ predicate apic_opens{L}(struct msr_policy *p) = \forall integer index;
  @   index == 0x1b || answers(index) ==> \exists integer i; has(p, i, index) &&
  @     p->rows[i].read == MSR_EMULATE && p->rows[i].write == MSR_EMULATE;
  @*/

void vmsr_reset(struct vmsr *m, const struct msr_policy *policy, bool is_bsp);

/* The row of `index`, or NULL. On the exit path: bounded, binary search. */
const struct msr_row *vmsr_row(const struct msr_policy *policy, uint32_t index);

/*
 * For exits. A register that is the hardware's own (MSR_DIRECT) never exits, so here it is refused
 * like one without a row. False: #GP(0). `apic` and `action` as in vdev/vapic.h; the action of a
 * successful write outside the x2APIC range is VAPIC_NOTHING.
 */
MUST_CHECK bool vmsr_read(const struct vmsr *m, const struct vapic *apic, uint32_t index,
                          uint64_t *value);
MUST_CHECK bool vmsr_write(struct vmsr *m, struct vapic *apic, const struct vapic_peers *peers,
                           uint32_t index, uint64_t value, struct vapic_action *action);
