/* SPDX-License-Identifier: MIT */
/*
 * msr_intel: the MSRs of an Intel processor, and what a guest's RDMSR and WRMSR of each does. Pure.
 */
#include "lib/bits.h"
#include "vdev/msr_both.h"
#include "vdev/vendor.h"

/* MSR_MISC_ENABLE: fast strings, without which an OS hides ERMS and FSRM from itself. */
#define MISC_ENABLE_FAST_STRINGS UINT64_C(1)

/* MSR_UCODE_REV: revision 1. Nobody compares it under a hypervisor, but 0 reads as "none". */
#define UCODE_REV UINT64_C(0x100000000)

/*
 * Sorted and disjoint. Not here, so #GP: TSC_ADJUST and everything else that moves the machine's
 * clock, microcode load, speculation control, performance counters, processor trace, debug store,
 * last branches, power and voltage, cache allocation, SMM, SGX, VMX, machine check banks, XSS and
 * CET, and the x2APIC's CMCI entry, which comes with them.
 */
static const struct msr_row rows[] = {
    {MSR_TSC, MSR_TSC, DIRECT, IGNORE, 0, "TSC"},
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, CONST, REFUSE, 0, "PLATFORM_ID"},
    {MSR_APIC_BASE, MSR_APIC_BASE, EMULATE, EMULATE, 0, "APIC_BASE"},
    {MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, CONST, REFUSE, FEATURE_CONTROL_LOCK,
     "FEATURE_CONTROL"},
    {MSR_UCODE_REV, MSR_UCODE_REV, CONST, IGNORE, UCODE_REV, "UCODE_REV"},
    {MSR_MTRR_CAP, MSR_MTRR_CAP, CONST, REFUSE, VMSR_MTRR_CAP, "MTRR_CAP"},
    {MSR_SYSENTER_CS, MSR_SYSENTER_EIP, DIRECT, DIRECT, 0, "SYSENTER"},
    {MSR_MCG_CAP, MSR_MCG_CAP, CONST, REFUSE, 0, "MCG_CAP"},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, CONST, KEEP, MISC_ENABLE_FAST_STRINGS, "MISC_ENABLE"},
    {MSR_DEBUGCTL, MSR_DEBUGCTL, CONST, KEEP, 0, "DEBUGCTL"},
    MSR_ROWS_MTRR,
    {MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, DIRECT, DIRECT, 0, "TSC_DEADLINE"},
    MSR_ROWS_X2APIC,
    {MSR_EFER, MSR_EFER, DIRECT, DIRECT, 0, "EFER"},
    {MSR_STAR, MSR_FMASK, DIRECT, DIRECT, 0, "SYSCALL"},
    {MSR_FS_BASE, MSR_KERNEL_GS_BASE, DIRECT, DIRECT, 0, "SEGMENT_BASE"},
    {MSR_TSC_AUX, MSR_TSC_AUX, DIRECT, DIRECT, 0, "TSC_AUX"},
};

const struct msr_policy msr_intel = {rows, ARRAY_SIZE(rows)};
