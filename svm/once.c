/* SPDX-License-Identifier: MIT */
/*
 * once: one instruction of the guest on other nested tables. SVM has no monitor trap: the
 * instruction is single-stepped by RFLAGS.TF, with interrupts held off by RFLAGS.IF, and whatever
 * could show the guest that exits first. Those tables differ by the right to write to pages that
 * nothing but Bulkhead reads, so that an instruction too many on them harms nobody.
 * APM "Single Stepping", "#DB (Debug)", "Nested Page Faults", "Instruction Intercepts". Pure.
 */
#include "lib/x86/cr.h"
#include "lib/x86/msr.h"
#include "svm/blocking.h"

/* What stores or loads flags, or runs a handler without being seen to. */
#define ONCE_1 \
    (INTERCEPT1_PUSHF | INTERCEPT1_POPF | INTERCEPT1_IRET | INTERCEPT1_SWINT | INTERCEPT1_HLT)
#define ONCE_2 INTERCEPT2_ICEBP

#define DR6_HITS    UINT64_C(0xf) /* B0 to B3 */
#define VECTORS     32
#define VECTOR_NONE UINT32_MAX

/* Exceptions with an error code: #DF, #TS to #PF, #AC, #CP, #VC, #SX. */
#define WITH_CODE                                                                       \
    (BIT32(8) | BIT32(10) | BIT32(11) | BIT32(12) | BIT32(13) | BIT32(14) | BIT32(17) | \
     BIT32(21) | BIT32(29) | BIT32(30))

/* RF: an instruction breakpoint on it has fired before it wrote. An event in delivery would push a
 * frame with our flags. */
bool svm_write_once(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;
    const uint64_t wanted = NPF_PRESENT | NPF_WRITE | NPF_FINAL;

    if (hw->shared->open_root.v == 0 || (vmcb->exit_int_info & EVENT_VALID) ||
        (vmcb->exit_info_1 & wanted) != wanted)
        return false;
    hw->once = (struct svm_once){
        .rflags = vmcb->rflags | RFLAGS_RF,
        .dr6 = vmcb->dr6,
        .shadow = vmcb->interrupt_shadow,
        .exceptions = vmcb->intercept_exceptions,
        .intercept_1 = vmcb->intercept_1,
        .intercept_2 = vmcb->intercept_2,
    };
    vmcb->rflags = (hw->once.rflags | RFLAGS_TF) & ~RFLAGS_IF;
    vmcb->dr6 = DR6_RESET;
    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    vmcb->nested_cr3 = hw->shared->open_root.v;
    vmcb->asid = ASID_OPEN;
    vmcb->intercept_exceptions = ~BIT32(VECTOR_NMI);
    vmcb->intercept_1 |= ONCE_1;
    vmcb->intercept_2 |= ONCE_2;
    v->hw_work |= WORK_ONCE;
    return true;
}

/* All but flags, DR6 and shadow. Other intercepts may have been asked for since. */
static void once_restore(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;

    vmcb->nested_cr3 = hw->shared->nested_root.v;
    vmcb->asid = ASID_GUEST;
    vmcb->tlb_control = TLB_DO_NOTHING;
    vmcb->intercept_exceptions = hw->once.exceptions;
    vmcb->intercept_1 = (vmcb->intercept_1 & ~ONCE_1) | (hw->once.intercept_1 & ONCE_1);
    vmcb->intercept_2 = (vmcb->intercept_2 & ~ONCE_2) | (hw->once.intercept_2 & ONCE_2);
    v->hw_work &= ~(uint32_t)WORK_ONCE;
}

void svm_once_cut(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    once_restore(v);
    hw->vmcb.rflags = hw->once.rflags;
    hw->vmcb.dr6 = hw->once.dr6;
    hw->vmcb.interrupt_shadow = hw->once.shadow;
}

/* What the guest changed in its own tables since the last time was not invalidated for this ASID.
 */
void svm_once_before_entry(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    if (hw->once.tried || (hw->vmcb.event_inject & EVENT_VALID)) {
        svm_once_cut(v);
        return;
    }
    hw->once.tried = true;
    hw->vmcb.tlb_control = TLB_FLUSH_ALL;
}

/* Those breakpoints that are on. */
static uint64_t once_hits(const struct svm_vmcb *vmcb)
{
    uint64_t hits = 0;

    for (uint32_t i = 0; i < 4; i++)
        if (vmcb->dr7 >> 2 * i & 3)
            hits |= vmcb->dr6 & BIT64(i);
    return hits;
}

/* The guest's own trap, by its TF or its breakpoints, follows. */
static void once_done(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;
    const uint64_t kept = RFLAGS_TF | RFLAGS_IF, hits = once_hits(vmcb);

    once_restore(v);
    vmcb->rflags = (vmcb->rflags & ~(kept | RFLAGS_RF)) | (hw->once.rflags & kept) |
                   (vmcb->rflags & RFLAGS_IF);
    vmcb->dr6 = hw->once.dr6;
    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    const bool steps = (vmcb->rflags & RFLAGS_TF) && !svm_ends_own_step(v);
    if (!steps && hits == 0)
        return;
    vmcb->dr6 |= hits | (steps ? DR6_BS : 0);
    vmcb->event_inject = svm_exception_event(vmcb, VECTOR_DB, false, 0);
}

/* The vector of an exit by an exception that only the step intercepts; #BP comes again by itself.
 */
static uint32_t once_vector(uint64_t code, enum exit_kind kind)
{
    const uint64_t vector = code - SVM_EXIT_EXCEPTION_DE;

    if (kind == EXIT_EXCEPTION || code < SVM_EXIT_EXCEPTION_DE || vector >= VECTORS ||
        code == SVM_EXIT_EXCEPTION_BP)
        return VECTOR_NONE;
    return (uint32_t)vector;
}

/* Taken in the guest's name, without the tables of the step: that an instruction which faults is
 * run again would be for ever where the fault is seen on those only. */
static void once_reflect(struct svm_vmcb *vmcb, uint32_t vector)
{
    if (vector == VECTOR_PF)
        vmcb->cr2 = vmcb->exit_info_2;
    vmcb->event_inject = svm_exception_event(vmcb, (uint8_t)vector, WITH_CODE >> vector & 1,
                                             (uint32_t)vmcb->exit_info_1);
}

bool svm_once_exit(struct vcpu *v, enum exit_kind kind)
{
    struct svm_vcpu *hw = v->hw;
    const uint64_t code = (uint32_t)hw->vmcb.exit_code, dr6 = hw->vmcb.dr6 & (DR6_BD | DR6_HITS);
    const uint32_t vector = once_vector(code, kind);

    if (code == SVM_EXIT_EXCEPTION_DB && ((hw->vmcb.dr6 & DR6_BS) || dr6 == 0)) {
        once_done(v);
        return true;
    }
    svm_once_cut(v);
    if (code == SVM_EXIT_EXCEPTION_DB)
        hw->vmcb.dr6 |= dr6; /* a breakpoint of the guest's, before the instruction */
    if (vector != VECTOR_NONE) {
        once_reflect(&hw->vmcb, vector);
        return true;
    }
    return code == SVM_EXIT_EXCEPTION_BP || code == SVM_EXIT_POPF || code == SVM_EXIT_IRET ||
           code == SVM_EXIT_SWINT || code == SVM_EXIT_HLT || code == SVM_EXIT_ICEBP;
}
