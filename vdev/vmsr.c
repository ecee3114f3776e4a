/* SPDX-License-Identifier: MIT */
/*
 * vmsr: the answers to RDMSR and WRMSR that exit, by the rows of a policy. What is DIRECT there is
 * checked by the processor itself (canonical addresses, reserved bits, PAT types) and switched with
 * the guest by the backend, or belongs to the core and so to the guest. Nothing a guest writes is
 * ever written to the hardware from here. Pure.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "vdev/vmsr.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"

#define APIC_BASE_ADDRESS UINT64_C(0xfee00000)

/*
 * MTRRs. SDM "Memory Type Range Registers (MTRRs)". Memory types are the nested tables' and the
 * guest's PAT's business; these say "all write-back" to whoever asks.
 */
#define MTRR_DEF_FIXED  (UINT64_C(1) << 10)
#define MTRR_DEF_ENABLE (UINT64_C(1) << 11)
#define MTRR_DEF_TYPE   MASK64(7, 0)
#define MTRR_TYPE_WB    UINT64_C(6)
/* UC, WC, WT, WP, WB */
#define MTRR_TYPES (BIT32(0) | BIT32(1) | BIT32(4) | BIT32(5) | BIT32(6))

void vmsr_reset(struct vmsr *m, const struct msr_policy *policy, bool is_bsp)
{
    *m = (struct vmsr){
        .policy = policy,
        .is_bsp = is_bsp,
        .mtrr_def_type = MTRR_DEF_ENABLE | MTRR_DEF_FIXED | MTRR_TYPE_WB,
    };
}

/*@ requires sorted(policy);
  @ assigns \nothing;
  @ ensures \result == \null ==>
  @   \forall integer i; 0 <= i < policy->count ==> !has(policy, i, index);
  @ ensures \result != \null ==> \exists integer i; has(policy, i, index) &&
  @   \result == policy->rows + i;
  @*/
const struct msr_row *vmsr_row(const struct msr_policy *policy, uint32_t index)
{
    const struct msr_row *rows = policy->rows;
    uint32_t low = 0, high = policy->count;
    /*@ loop invariant 0 <= low <= high <= policy->count;
      @ loop invariant \forall integer i; 0 <= i < low ==> rows[i].last < index;
      @ loop invariant high < policy->count ==> index <= rows[high].last;
      @ loop assigns low, high;
      @ loop variant high - low;
      @*/
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index > rows[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    /* `low` is the first row that does not end before `index`. */
    if (low == policy->count || index < rows[low].first) {
        /*@ assert \forall integer i; low < i < policy->count ==>
          @   rows[low].last < rows[i].first;
          @*/
        /*@ assert \forall integer i; low <= i < policy->count ==> index < rows[i].first; */
        return NULL;
    }
    return &rows[low];
}

/*@ assigns \nothing;
  @ ensures \result <==> MSR_X2APIC_FIRST <= index <= MSR_X2APIC_LAST;
  @*/
static bool is_x2apic(uint32_t index)
{
    return index >= MSR_X2APIC_FIRST && index <= MSR_X2APIC_LAST;
}

/* x2APIC mode, for good; the BSP bit is by vCPU, not by core: it tells a guest who boots it. */
/*@ requires \valid_read(m);
  @ assigns \nothing;
  @*/
static uint64_t apic_base(const struct vmsr *m)
{
    return APIC_BASE_ADDRESS | APIC_BASE_ENABLE | APIC_BASE_X2APIC |
           (m->is_bsp ? APIC_BASE_BSP : 0);
}

/*@ assigns \nothing; */
static bool is_mtrr_type(uint64_t type)
{
    return type < 8 && (MTRR_TYPES & BIT32(type)) != 0;
}

/*@ assigns \nothing; */
static bool is_mtrr_fixed(uint64_t value)
{
    /*@ loop invariant 0 <= low <= 64 && low % 8 == 0;
      @ loop assigns low;
      @ loop variant 64 - low;
      @*/
    for (unsigned low = 0; low < 64; low += 8) {
        if (!is_mtrr_type(bits_get(value, low + 7, low)))
            return false;
    }
    return true;
}

/* The local APIC's first: what vapic.c answers is emulated in every policy, and comes often. */
/*@ requires \valid_read(m) && sorted(m->policy) && apic_opens(m->policy);
  @ requires \valid_read(apic) && \valid(value);
  @ requires \separated(value, m, m->policy, m->policy->rows + (0 .. m->policy->count - 1));
  @ assigns *value;
  @ ensures \result ==> \exists integer i; has(m->policy, i, index) &&
  @   (m->policy->rows[i].read == MSR_EMULATE ||
  @    (m->policy->rows[i].read == MSR_CONST && *value == m->policy->rows[i].value));
  @*/
bool vmsr_read(const struct vmsr *m, const struct vapic *apic, uint32_t index, uint64_t *value)
{
    if (index == MSR_APIC_BASE) {
        *value = apic_base(m);
        return true;
    }
    if (is_x2apic(index) && vapic_read(apic, index, value))
        return true;
    const struct msr_row *row = vmsr_row(m->policy, index);
    if (row == NULL)
        return false;
    if (row->read == MSR_CONST) {
        *value = row->value;
        return true;
    }
    if (row->read != MSR_EMULATE || index != MSR_MTRR_DEF_TYPE)
        return false;
    *value = m->mtrr_def_type;
    return true;
}

/* The fixed MTRRs keep what they say, but tell a guest that writes nonsense. */
/*@ requires \valid(m);
  @ assigns m->mtrr_def_type;
  @*/
static bool emulate_write(struct vmsr *m, uint32_t index, uint64_t value)
{
    if (index >= MSR_MTRR_FIX64K && index <= MSR_MTRR_FIX4K + 7)
        return is_mtrr_fixed(value);
    if (index != MSR_MTRR_DEF_TYPE ||
        (value & ~(MTRR_DEF_ENABLE | MTRR_DEF_FIXED | MTRR_DEF_TYPE)) != 0 ||
        !is_mtrr_type(value & MTRR_DEF_TYPE))
        return false;
    m->mtrr_def_type = value;
    return true;
}

/*@ requires \valid(m) && sorted(m->policy) && apic_opens(m->policy);
  @ requires \valid(apic) && \valid_read(peers) && \valid(action);
  @ requires \separated(m, apic, peers, action, m->policy,
  @   m->policy->rows + (0 .. m->policy->count - 1));
  @ assigns m->mtrr_def_type, apic->icr, apic->svr, apic->lvt[0 .. VAPIC_LVT_COUNT - 1], *action;
  @ ensures \result ==> \exists integer i; opens{Pre}(\at(m->policy, Pre), i, index);
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @ ensures !(MSR_X2APIC_FIRST <= index <= MSR_X2APIC_LAST) ==> action->kind == VAPIC_NOTHING;
  @ ensures action->kind == VAPIC_WRITE ==> action->msr == MSR_X2APIC_SVR ||
  @   action->msr == MSR_X2APIC_LVT_TIMER || action->msr == MSR_X2APIC_LVT_ERROR;
  @*/
bool vmsr_write(struct vmsr *m, struct vapic *apic, const struct vapic_peers *peers, uint32_t index,
                uint64_t value, struct vapic_action *action)
{
    if (index == MSR_X2APIC_ICR)
        return vapic_write_icr(apic, peers, value, action);
    if (is_x2apic(index))
        return vapic_write(apic, index, value, action);
    vapic_no_action(action);
    if (index == MSR_APIC_BASE)
        return value == apic_base(m);
    const struct msr_row *row = vmsr_row(m->policy, index);
    if (row == NULL)
        return false;
    if (row->write == MSR_IGNORE)
        return true;
    if (row->write == MSR_KEEP)
        return value == row->value;
    if (row->write != MSR_EMULATE)
        return false;
    return emulate_write(m, index, value);
}
