/* SPDX-License-Identifier: MIT */
/*
 * efer: the one MSR that a guest of SVM may not have itself: VMRUN wants EFER.SVME set, and the
 * guest is shown none. APM "Extended Feature Enable Register (EFER)". Pure.
 */
#include "lib/x86/msr.h"
#include "svm/svm.h"

/* What CPUID shows: SYSCALL, long mode, NX. LMA follows from LME and CR0.PG and is not written. */
#define EFER_GUEST (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

bool svm_efer_ok(uint64_t efer, uint64_t cr0, uint64_t value)
{
    if (value & ~EFER_GUEST)
        return false;
    return !(cr0 & CR0_PG) || ((efer ^ value) & EFER_LME) == 0;
}

uint64_t svm_efer_real(uint64_t efer, uint64_t value)
{
    return (value & ~EFER_LMA) | (efer & EFER_LMA) | EFER_SVME;
}
