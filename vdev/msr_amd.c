/* SPDX-License-Identifier: MIT */
/*
 * msr_amd: the MSRs of an AMD processor, and what a guest's RDMSR and WRMSR of each does; written
 * for Zen 2 to 5. Pure.
 */
#include "lib/bits.h"
#include "vdev/msr_both.h"
#include "vdev/vendor.h"

/* MSR_UCODE_REV, AMD's PATCH_LEVEL: 1. An OS that compares it takes all its own precautions. */
#define PATCH_LEVEL UINT64_C(1)

/* MSR_HWCR: the TSC counts at the rate of P-state 0, which is what an OS calls constant. */
#define HWCR_TSC_AT_P0 BIT64(24)

/* MSR_NB_CFG: I/O accesses reach extended PCI configuration space. Linux sets it on each core,
 * without a look at what is there, unless it is set. */
#define NB_CFG_EXTENDED_IO BIT64(46)

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
    MSR_ROWS_MTRR,
    /* Few have it, if any; elsewhere the processor itself refuses. */
    {MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, DIRECT, DIRECT, 0, "TSC_DEADLINE"},
    MSR_ROWS_X2APIC,
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
    /* The backend sets it in the hardware, or the processor always does so
     * (CPUID_E21A_LFENCE_SERIALIZES). */
    {MSR_DE_CFG, MSR_DE_CFG, CONST, IGNORE, DE_CFG_LFENCE_SERIALIZES, "DE_CFG"},
};

const struct msr_policy msr_amd = {rows, ARRAY_SIZE(rows)};
