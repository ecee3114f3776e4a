/* SPDX-License-Identifier: MIT */
/*
 * debug: what a debugger changes in a guest between two stays. Its steps are blocking.c's. Pure.
 */
#include "lib/x86/cr.h"
#include "svm/svm.h"

void svm_debug_state(struct vcpu *v, const struct vcpu_state *state)
{
    struct svm_vcpu *hw = v->hw;
    struct svm_vmcb *vmcb = &hw->vmcb;
    const bool our_trap = hw->step != STEP_NONE && !hw->own_trap;

    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = state->gpr[i];
    vmcb->rsp = state->gpr[REG_RSP];
    vmcb->rflags = state->rflags | (our_trap ? RFLAGS_TF : 0);
    vmcb->dr7 = state->dr7;
    if (vmcb->rip == state->rip)
        return;
    /* Elsewhere it does not halt, and has no shadow of the instruction before. */
    vmcb->rip = hw->entry_rip = state->rip;
    vmcb->interrupt_shadow &= ~SHADOW_ACTIVE;
    hw->is_halting = false;
}

/* The processor wrote them before it exited. */
void svm_debug_drop(struct vcpu *v, uint64_t bits)
{
    struct svm_vmcb *vmcb = &((struct svm_vcpu *)v->hw)->vmcb;

    vmcb->dr6 &= ~bits;
}

void svm_debug_forget(struct vcpu *v, uint64_t bits)
{
    svm_debug_drop(v, bits);
}
