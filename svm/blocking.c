/* SPDX-License-Identifier: MIT */
#include "svm/blocking.h"

/* A HLT that exited ends the shadow of the STI before it. */
bool svm_is_open(const struct svm_vcpu *hw, enum svm_event_type type)
{
    const struct svm_vmcb *vmcb = &hw->vmcb;
    const bool at_halt = hw->is_halting && vmcb->rip == hw->halt_rip;

    if ((vmcb->event_inject & EVENT_VALID) ||
        ((vmcb->interrupt_shadow & SHADOW_ACTIVE) && !at_halt))
        return false;
    return type == EVENT_NMI ? !hw->in_nmi : (vmcb->rflags & RFLAGS_IF) != 0;
}

/* The next instruction traps, whatever it is. */
static void svm_step(struct svm_vcpu *hw, enum svm_step step)
{
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (hw->step == STEP_NONE) {
        hw->own_trap = vmcb->rflags & RFLAGS_TF;
        hw->step_dr6 = vmcb->dr6;
    }
    hw->step = step;
    vmcb->rflags |= RFLAGS_TF;
}

/* The shadow keeps interrupts out for just that instruction. */
void svm_debug_step(struct vcpu *v, bool on)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;

    hw->is_debugged = on;
    if (on && hw->step == STEP_NONE) {
        svm_step(hw, STEP_DEBUG);
        vmcb->intercept_1 |= INTERCEPT1_HLT; /* svm_ends_halt() */
        if (vmcb->rflags & RFLAGS_IF)
            vmcb->interrupt_shadow |= SHADOW_ACTIVE;
    } else if (!on && hw->step == STEP_DEBUG) {
        hw->step = STEP_NONE;
        if (!hw->own_trap)
            vmcb->rflags &= ~RFLAGS_TF;
    }
}

void svm_want_window(struct vcpu *v, enum svm_event_type type)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (type != EVENT_NMI) {
        /* The machine's own interrupts go on: one that could be taken tells as well that interrupts
         * are open, and waits. Without that an emulator that takes it forgets the virtual one. */
        vmcb->vintr |= VINTR_IRQ | VINTR_IGNORE_TPR;
        vmcb->intercept_1 |= INTERCEPT1_VINTR | INTERCEPT1_INTR;
    } else if (hw->in_nmi || hw->step != STEP_NONE) {
        return; /* its end exits anyway */
    } else if (vmcb->interrupt_shadow & SHADOW_ACTIVE) {
        svm_step(hw, STEP_SHADOW);
    } else {
        v->hw_work |= WORK_NUDGE; /* behind the event that is injected first */
    }
}

void svm_begin_nmi(struct svm_vcpu *hw)
{
    hw->in_nmi = true;
    hw->vmcb.intercept_1 |= INTERCEPT1_IRET;
}

void svm_cancel_nmi(struct svm_vcpu *hw)
{
    hw->in_nmi = false;
    hw->vmcb.intercept_1 &= ~INTERCEPT1_IRET;
}

enum exit_kind svm_end_window(struct svm_vcpu *hw)
{
    struct svm_vmcb *vmcb = &hw->vmcb;

    if ((uint32_t)vmcb->exit_code == SVM_EXIT_IRET) {
        vmcb->intercept_1 &= ~INTERCEPT1_IRET;
        svm_step(hw, STEP_IRET);
        return EXIT_STEP;
    }
    vmcb->vintr &= ~(VINTR_IRQ | VINTR_IGNORE_TPR);
    vmcb->intercept_1 &= ~(INTERCEPT1_VINTR | INTERCEPT1_INTR);
    return EXIT_WINDOW;
}

/* True: the trap was of our making. IRET has loaded another RFLAGS. */
static bool svm_finish_step(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (hw->step == STEP_IRET)
        hw->in_nmi = false;
    else if (!hw->own_trap)
        vmcb->rflags &= ~RFLAGS_TF;
    hw->step = STEP_NONE;
    if (!hw->own_trap)
        vmcb->dr6 = hw->step_dr6;
    if (hw->is_debugged)
        atomic_fetch_or(&v->kick, VIRT_STEPPED);
    hw->is_debugged = false;
    return !hw->own_trap;
}

bool svm_ends_step(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    if (hw->step == STEP_NONE || !(hw->vmcb.dr6 & DR6_BS) ||
        (uint32_t)hw->vmcb.exit_code != SVM_EXIT_EXCEPTION_DB)
        return false;
    if (svm_finish_step(v))
        return true;
    v->hw_work |= WORK_NUDGE; /* what waited comes behind the guest's own trap */
    return false;
}

bool svm_ends_own_step(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;

    if (hw->step == STEP_NONE)
        return false;
    v->hw_work |= WORK_NUDGE;
    return svm_finish_step(v);
}

bool svm_ends_halt(struct vcpu *v)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;

    if (hw->step != STEP_DEBUG || vmcb->cpl != 0)
        return false;
    vmcb->rip += HLT_LENGTH;
    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    (void)svm_finish_step(v);
    return true;
}
