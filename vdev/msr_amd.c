/* SPDX-License-Identifier: MIT */
/*
 * msr_amd: the MSRs of an AMD processor, and what a guest's RDMSR and WRMSR of each does; written
 * for Zen 2 to 5. Pure.
 */
#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "vdev/vapic.h"
#include "vdev/vendor.h"
#include "vdev/vmsr.h"

/* MSR_UCODE_REV, AMD's PATCH_LEVEL: 1. An OS that compares it takes all its own precautions. */
#define PATCH_LEVEL UINT64_C(1)

/* MSR_HWCR: the TSC counts at the rate of P-state 0, which is what an OS calls constant. */
#define HWCR_TSC_AT_P0 BIT64(24)

/* MSR_NB_CFG: I/O accesses reach extended PCI configuration space. Linux sets it on each core,
 * without a look at what is there, unless it is set. */
#define NB_CFG_EXTENDED_IO BIT64(46)

/* MSR_DE_CFG: LFENCE waits for all before it. The backend sets it in the hardware, or the processor
 * always does so (CPUID_E21A_LFENCE_SERIALIZES). */
#define DE_CFG_LFENCE_SERIALIZES BIT64(1)

#define DIRECT  MSR_DIRECT
#define EMULATE MSR_EMULATE
#define CONST   MSR_CONST
#define IGNORE  MSR_IGNORE
#define KEEP    MSR_KEEP
#define REFUSE  MSR_REFUSE

/*
 * Sorted and disjoint. Not here, so #GP: what vdev/msr_intel.c leaves out, and of AMD's own SVM
 * (VM_CR, VM_HSAVE_PA), LS_CFG (Linux would write it at every context switch), performance
 * counters of all generations, IBS, OSVW, P-states, CPPC, RAPL, PPIN, NODE_ID, SMM's addresses,
 * variable I/O ranges, memory encryption, the TSC's ratio, CPUID overrides, breakpoint masks.
 */
static const struct msr_row rows[] = {
    {MSR_TSC, MSR_TSC, DIRECT, IGNORE, 0, "TSC"},
    {MSR_APIC_BASE, MSR_APIC_BASE, EMULATE, EMULATE, 0, "APIC_BASE"},
    {MSR_UCODE_REV, MSR_UCODE_REV, CONST, IGNORE, PATCH_LEVEL, "PATCH_LEVEL"},
    {MSR_MTRR_CAP, MSR_MTRR_CAP, CONST, REFUSE, VMSR_MTRR_CAP, "MTRR_CAP"},
    {MSR_SYSENTER_CS, MSR_SYSENTER_EIP, DIRECT, DIRECT, 0, "SYSENTER"},
    {MSR_MCG_CAP, MSR_MCG_CAP, CONST, REFUSE, 0, "MCG_CAP"},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, CONST, KEEP, 0, "DEBUGCTL"},
    {MSR_MTRR_FIX64K, MSR_MTRR_FIX64K, CONST, EMULATE, VMSR_MTRR_FIXED, "MTRR_FIX64K"},
    {MSR_MTRR_FIX16K, MSR_MTRR_FIX16K + 1, CONST, EMULATE, VMSR_MTRR_FIXED, "MTRR_FIX16K"},
    {MSR_MTRR_FIX4K, MSR_MTRR_FIX4K + 7, CONST, EMULATE, VMSR_MTRR_FIXED, "MTRR_FIX4K"},
    {MSR_PAT, MSR_PAT, DIRECT, DIRECT, 0, "PAT"},
    {MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, EMULATE, EMULATE, 0, "MTRR_DEF_TYPE"},
    /* Few have it, if any; elsewhere the processor itself refuses. */
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
    /* The backend answers: the hardware's has SVM on. */
    {MSR_EFER, MSR_EFER, EMULATE, EMULATE, 0, "EFER"},
    {MSR_STAR, MSR_FMASK, DIRECT, DIRECT, 0, "SYSCALL"},
    {MSR_FS_BASE, MSR_KERNEL_GS_BASE, DIRECT, DIRECT, 0, "SEGMENT_BASE"},
    {MSR_TSC_AUX, MSR_TSC_AUX, DIRECT, DIRECT, 0, "TSC_AUX"},
    /* Linux reads these unguarded, and rewrites some: nothing is on that a guest would have to
     * know of. */
    {MSR_SYSCFG, MSR_SYSCFG, CONST, IGNORE, 0, "SYSCFG"},
    {MSR_HWCR, MSR_HWCR, CONST, IGNORE, HWCR_TSC_AT_P0, "HWCR"},
    {MSR_TOP_MEM, MSR_TOP_MEM, CONST, REFUSE, 0, "TOP_MEM"},
    {MSR_TOP_MEM2, MSR_TOP_MEM2, CONST, REFUSE, 0, "TOP_MEM2"},
    {MSR_NB_CFG, MSR_NB_CFG, CONST, IGNORE, NB_CFG_EXTENDED_IO, "NB_CFG"},
    {MSR_DE_CFG, MSR_DE_CFG, CONST, IGNORE, DE_CFG_LFENCE_SERIALIZES, "DE_CFG"},
};

const struct msr_policy msr_amd = {rows, ARRAY_SIZE(rows)};
