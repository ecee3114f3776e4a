/* SPDX-License-Identifier: MIT */
/*
 * vmsr: the MSR rows, and the answers to those that exit. What is DIRECT here is checked by the
 * processor itself (canonical addresses, reserved bits, PAT types) and switched with the guest by
 * the backend, or belongs to the core and so to the guest. Nothing a guest writes is ever written
 * to the hardware from here. Pure.
 *
 * The comments that begin with an at sign are proved (`make proof`, docs/proofs.md).
 */
#include "vdev/vmsr.h"

#include "lib/bits.h"
#include "lib/x86/msr.h"

#define APIC_BASE_ADDRESS UINT64_C(0xfee00000)

/* MSR_MISC_ENABLE: fast strings, without which an OS hides ERMS and FSRM from itself. */
#define MISC_ENABLE_FAST_STRINGS UINT64_C(1)

/* MSR_UCODE_REV: revision 1. Nobody compares it under a hypervisor, but 0 reads as "none". */
#define UCODE_REV UINT64_C(0x100000000)

/*
 * MTRRs. SDM "Memory Type Range Registers (MTRRs)". Memory types are EPT's and the guest's PAT's
 * business; these say "all write-back" to whoever asks. No variable ranges; fixed ones and
 * write-combining exist, which is what makes every Linux set up its PAT.
 */
#define MTRR_CAP_FIXED    (UINT64_C(1) << 8)
#define MTRR_CAP_WC       (UINT64_C(1) << 10)
#define MTRR_DEF_FIXED    (UINT64_C(1) << 10)
#define MTRR_DEF_ENABLE   (UINT64_C(1) << 11)
#define MTRR_DEF_TYPE     MASK64(7, 0)
#define MTRR_TYPE_WB      UINT64_C(6)
#define MTRR_FIXED_ALL_WB UINT64_C(0x0606060606060606)
/* UC, WC, WT, WP, WB */
#define MTRR_TYPES (BIT32(0) | BIT32(1) | BIT32(4) | BIT32(5) | BIT32(6))

#define FIX64K_FIRST 0x250
#define FIX16K_FIRST 0x258
#define FIX16K_LAST  0x259
#define FIX4K_FIRST  0x268
#define FIX4K_LAST   0x26f

#define DIRECT  MSR_DIRECT
#define EMULATE MSR_EMULATE
#define CONST   MSR_CONST
#define IGNORE  MSR_IGNORE
#define REFUSE  MSR_REFUSE

/*
 * Sorted and disjoint. Not here, so #GP: TSC_ADJUST and everything else that moves the machine's
 * clock, microcode load, speculation control, performance counters, processor trace, debug store,
 * last branches, power and voltage, cache allocation, SMM, SGX, VMX, machine check banks, XSS and
 * CET, and the x2APIC's CMCI entry, which comes with them.
 */
const struct msr_row vmsr_rows[] = {
    {MSR_TSC, MSR_TSC, DIRECT, IGNORE, 0, "TSC"},
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, CONST, REFUSE, 0, "PLATFORM_ID"},
    {MSR_APIC_BASE, MSR_APIC_BASE, EMULATE, EMULATE, 0, "APIC_BASE"},
    {MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, CONST, REFUSE, FEATURE_CONTROL_LOCK,
     "FEATURE_CONTROL"},
    {MSR_UCODE_REV, MSR_UCODE_REV, CONST, IGNORE, UCODE_REV, "UCODE_REV"},
    {MSR_MTRR_CAP, MSR_MTRR_CAP, CONST, REFUSE, MTRR_CAP_FIXED | MTRR_CAP_WC, "MTRR_CAP"},
    {MSR_SYSENTER_CS, MSR_SYSENTER_EIP, DIRECT, DIRECT, 0, "SYSENTER"},
    {MSR_MCG_CAP, MSR_MCG_CAP, CONST, REFUSE, 0, "MCG_CAP"},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, CONST, EMULATE, MISC_ENABLE_FAST_STRINGS, "MISC_ENABLE"},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, CONST, EMULATE, 0, "DEBUGCTL"},
    {FIX64K_FIRST, FIX64K_FIRST, CONST, EMULATE, MTRR_FIXED_ALL_WB, "MTRR_FIX64K"},
    {FIX16K_FIRST, FIX16K_LAST, CONST, EMULATE, MTRR_FIXED_ALL_WB, "MTRR_FIX16K"},
    {FIX4K_FIRST, FIX4K_LAST, CONST, EMULATE, MTRR_FIXED_ALL_WB, "MTRR_FIX4K"},
    {MSR_PAT, MSR_PAT, DIRECT, DIRECT, 0, "PAT"},
    {MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, EMULATE, EMULATE, 0, "MTRR_DEF_TYPE"},
    {MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, DIRECT, DIRECT, 0, "TSC_DEADLINE"},
    {MSR_X2APIC_ID, MSR_X2APIC_ID, DIRECT, REFUSE, 0, "X2APIC_ID"},
    {MSR_X2APIC_VERSION, MSR_X2APIC_VERSION, CONST, REFUSE, VAPIC_VERSION, "X2APIC_VERSION"},
    {MSR_X2APIC_TPR, MSR_X2APIC_TPR, DIRECT, DIRECT, 0, "X2APIC_TPR"},
    {MSR_X2APIC_PPR, MSR_X2APIC_PPR, DIRECT, REFUSE, 0, "X2APIC_PPR"},
    {MSR_X2APIC_EOI, MSR_X2APIC_EOI, REFUSE, DIRECT, 0, "X2APIC_EOI"},
    {MSR_X2APIC_LDR, MSR_X2APIC_LDR, DIRECT, REFUSE, 0, "X2APIC_LDR"},
    {MSR_X2APIC_SVR, MSR_X2APIC_SVR, EMULATE, EMULATE, 0, "X2APIC_SVR"},
    {MSR_X2APIC_ISR0, MSR_X2APIC_ISR0 + 7, DIRECT, REFUSE, 0, "X2APIC_ISR"},
    {MSR_X2APIC_TMR0, MSR_X2APIC_TMR0 + 7, DIRECT, REFUSE, 0, "X2APIC_TMR"},
    {MSR_X2APIC_IRR0, MSR_X2APIC_IRR0 + 7, DIRECT, REFUSE, 0, "X2APIC_IRR"},
    {MSR_X2APIC_ESR, MSR_X2APIC_ESR, DIRECT, DIRECT, 0, "X2APIC_ESR"},
    {MSR_X2APIC_ICR, MSR_X2APIC_ICR, EMULATE, EMULATE, 0, "X2APIC_ICR"},
    {MSR_X2APIC_LVT_TIMER, MSR_X2APIC_LVT_ERROR, EMULATE, EMULATE, 0, "X2APIC_LVT"},
    {MSR_X2APIC_TIMER_INIT, MSR_X2APIC_TIMER_INIT, DIRECT, DIRECT, 0, "X2APIC_TIMER_INIT"},
    {MSR_X2APIC_TIMER_NOW, MSR_X2APIC_TIMER_NOW, DIRECT, REFUSE, 0, "X2APIC_TIMER_NOW"},
    {MSR_X2APIC_TIMER_DIV, MSR_X2APIC_TIMER_DIV, DIRECT, DIRECT, 0, "X2APIC_TIMER_DIV"},
    {MSR_X2APIC_SELF_IPI, MSR_X2APIC_SELF_IPI, REFUSE, DIRECT, 0, "X2APIC_SELF_IPI"},
    {MSR_EFER, MSR_EFER, DIRECT, DIRECT, 0, "EFER"},
    {MSR_STAR, MSR_FMASK, DIRECT, DIRECT, 0, "SYSCALL"},
    {MSR_FS_BASE, MSR_KERNEL_GS_BASE, DIRECT, DIRECT, 0, "SEGMENT_BASE"},
    {MSR_TSC_AUX, MSR_TSC_AUX, DIRECT, DIRECT, 0, "TSC_AUX"},
};
#define ROWS ARRAY_SIZE(vmsr_rows)
const uint32_t vmsr_row_count = ROWS;

void vmsr_reset(struct vmsr *m, bool is_bsp)
{
    *m = (struct vmsr){
        .is_bsp = is_bsp,
        .mtrr_def_type = MTRR_DEF_ENABLE | MTRR_DEF_FIXED | MTRR_TYPE_WB,
    };
}

/* By the low byte of their numbers, the rows that exits ask for most. A guess, no more: what is
 * wrong here costs a search, which tests/bench/limits.txt would show. */
static const uint8_t row_guess[256] = {
    [MSR_APIC_BASE] = 2,
    [MSR_X2APIC_SVR & 0xff] = 22,
    [MSR_X2APIC_LVT_TIMER & 0xff] = 28,
    [MSR_X2APIC_LVT_ERROR & 0xff] = 28,
};
_Static_assert(ARRAY_SIZE(vmsr_rows) == 37, "the guesses are numbers of rows");

/*@ predicate sorted{L} =
  @   (\forall integer i; 0 <= i < ROWS ==> vmsr_rows[i].first <= vmsr_rows[i].last) &&
  @   (\forall integer i, k; 0 <= i < k < ROWS ==> vmsr_rows[i].last < vmsr_rows[k].first);
  @ predicate has{L}(integer i, integer index) =
  @   vmsr_rows[i].first <= index <= vmsr_rows[i].last;
  @ predicate opens{L}(integer i, integer index) = has(i, index) &&
  @   (vmsr_rows[i].write == MSR_EMULATE || vmsr_rows[i].write == MSR_IGNORE);
  @ predicate icr_opens{L} = \exists integer i; 0 <= i < ROWS && opens(i, MSR_X2APIC_ICR);
  @*/
/*@ requires sorted;
  @ assigns \nothing;
  @ ensures \result == \null ==> \forall integer i; 0 <= i < ROWS ==> !has(i, index);
  @ ensures \result != \null ==> \exists integer i; 0 <= i < ROWS && has(i, index) &&
  @   \result == &vmsr_rows[i];
  @*/
NOINLINE const struct msr_row *vmsr_row(uint32_t index)
{
    uint32_t low = 0, high = ROWS;
    /*@ loop invariant 0 <= low <= high <= ROWS;
      @ loop invariant \forall integer i; 0 <= i < low ==> vmsr_rows[i].last < index;
      @ loop invariant high < ROWS ==> index <= vmsr_rows[high].last;
      @ loop assigns low, high;
      @ loop variant high - low;
      @*/
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (index > vmsr_rows[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    /* `low` is the first row that does not end before `index`. */
    if (low == ROWS || index < vmsr_rows[low].first) {
        /*@ assert \forall integer i; low < i < ROWS ==>
          @   vmsr_rows[low].last < vmsr_rows[i].first;
          @*/
        /*@ assert \forall integer i; low <= i < ROWS ==> index < vmsr_rows[i].first; */
        return NULL;
    }
    return &vmsr_rows[low];
}

/*@ requires sorted;
  @ assigns \nothing;
  @ ensures \result == \null ==> \forall integer i; 0 <= i < ROWS ==> !has(i, index);
  @ ensures \result != \null ==> \exists integer i; 0 <= i < ROWS && has(i, index) &&
  @   \result == &vmsr_rows[i];
  @*/
static inline const struct msr_row *row_of(uint32_t index)
{
    const uint8_t guess = row_guess[(uint8_t)index];
    if (guess < ROWS && index >= vmsr_rows[guess].first && index <= vmsr_rows[guess].last)
        return &vmsr_rows[guess];
    return vmsr_row(index);
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

/*@ requires sorted && \valid_read(m) && \valid_read(apic) && \valid(value);
  @ requires \separated(value, vmsr_rows + (0 .. ROWS - 1));
  @ assigns *value;
  @ ensures \result ==> \exists integer i; 0 <= i < ROWS && has(i, index) &&
  @   (vmsr_rows[i].read == MSR_EMULATE ||
  @    (vmsr_rows[i].read == MSR_CONST && *value == vmsr_rows[i].value));
  @*/
bool vmsr_read(const struct vmsr *m, const struct vapic *apic, uint32_t index, uint64_t *value)
{
    const struct msr_row *row = row_of(index);
    if (row == NULL)
        return false;
    if (row->read == MSR_CONST) {
        *value = row->value;
        return true;
    }
    if (row->read != MSR_EMULATE)
        return false;
    if (is_x2apic(index))
        return vapic_read(apic, index, value);
    if (index == MSR_APIC_BASE)
        *value = apic_base(m);
    else if (index == MSR_MTRR_DEF_TYPE)
        *value = m->mtrr_def_type;
    else
        return false;
    return true;
}

/* The fixed MTRRs keep what they say, but tell a guest that writes nonsense. */
/*@ requires \valid(m);
  @ assigns m->mtrr_def_type;
  @*/
static bool emulate_write(struct vmsr *m, uint32_t index, uint64_t value)
{
    if (index == MSR_APIC_BASE)
        return value == apic_base(m);
    if (index == MSR_MISC_ENABLE)
        return value == MISC_ENABLE_FAST_STRINGS; /* what it reads: there is nothing to turn */
    if (index == MSR_DEBUGCTL)
        return value == 0;
    if (index >= FIX64K_FIRST && index <= FIX4K_LAST)
        return is_mtrr_fixed(value);
    if (index == MSR_MTRR_DEF_TYPE) {
        if ((value & ~(MTRR_DEF_ENABLE | MTRR_DEF_FIXED | MTRR_DEF_TYPE)) != 0 ||
            !is_mtrr_type(value & MTRR_DEF_TYPE))
            return false;
        m->mtrr_def_type = value;
        return true;
    }
    return false;
}

/*@ requires sorted && icr_opens;
  @ requires \valid(m) && \valid(apic) && \valid_read(peers) && \valid(action);
  @ requires \separated(m, apic, peers, action, vmsr_rows + (0 .. ROWS - 1));
  @ assigns m->mtrr_def_type, apic->icr, apic->svr, apic->lvt[0 .. VAPIC_LVT_COUNT - 1], *action;
  @ ensures \result ==> \exists integer i; 0 <= i < ROWS && opens{Pre}(i, index);
  @ ensures !\result ==> action->kind == VAPIC_NOTHING;
  @ ensures !(MSR_X2APIC_FIRST <= index <= MSR_X2APIC_LAST) ==> action->kind == VAPIC_NOTHING;
  @ ensures action->kind == VAPIC_WRITE ==> action->msr == MSR_X2APIC_SVR ||
  @   action->msr == MSR_X2APIC_LVT_TIMER || action->msr == MSR_X2APIC_LVT_ERROR;
  @*/
bool vmsr_write(struct vmsr *m, struct vapic *apic, const struct vapic_peers *peers, uint32_t index,
                uint64_t value, struct vapic_action *action)
{
    /* The one that guests write all the time. Its row opens it. */
    if (index == MSR_X2APIC_ICR)
        return vapic_write_icr(apic, peers, value, action);
    const struct msr_row *row = row_of(index);
    vapic_no_action(action);
    if (row == NULL)
        return false;
    if (row->write == MSR_IGNORE)
        return true;
    if (row->write != MSR_EMULATE)
        return false;
    if (is_x2apic(index))
        return vapic_write(apic, index, value, action);
    return emulate_write(m, index, value);
}
