/* SPDX-License-Identifier: MIT */
/*
 * state: fills a VMCB, in its two parts, and reads what a diagnosis shows.
 */
#include "lib/string.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "svm/svm.h"

/* A core never has another guest, so these are enough for all. APM "TLB Control" */
_Static_assert(ASID_OWN == 0 && ASID_GUEST != ASID_OPEN, "each its own");

/* Instructions that guests do not have, machines' events, and what asks the policy; no access to a
 * control register, no interrupt. */
#define INTERCEPTS_1                                                                           \
    (INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_RDPMC | INTERCEPT1_CPUID | INTERCEPT1_RSM | \
     INTERCEPT1_INVD | INTERCEPT1_INVLPGA | INTERCEPT1_IOIO | INTERCEPT1_MSR |                 \
     INTERCEPT1_TASK_SWITCH | INTERCEPT1_FERR_FREEZE | INTERCEPT1_SHUTDOWN)
#define INTERCEPTS_2                                                                 \
    (INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | INTERCEPT2_VMSAVE | \
     INTERCEPT2_STGI | INTERCEPT2_CLGI | INTERCEPT2_SKINIT | INTERCEPT2_WBINVD |     \
     INTERCEPT2_MONITOR | INTERCEPT2_MWAIT | INTERCEPT2_XSETBV)

void svm_write_controls(struct svm_vcpu *hw)
{
    const struct svm_shared *shared = hw->shared;
    struct svm_vmcb *vmcb = &hw->vmcb;

    vmcb->intercept_exceptions = INTERCEPTED_EXCEPTIONS;
    vmcb->intercept_1 = INTERCEPTS_1;
    vmcb->intercept_2 = INTERCEPTS_2 | (svm_caps.has_rdpru ? INTERCEPT2_RDPRU : 0);
    vmcb->intercept_3 =
        (svm_caps.has_invlpgb ? INTERCEPT3_INVLPGB | INTERCEPT3_INVLPGB_ILLEGAL | INTERCEPT3_TLBSYNC
                              : 0) |
        (svm_caps.has_mcommit ? INTERCEPT3_MCOMMIT : 0) |
        (svm_caps.features & SVM_FEATURE_BUS_LOCK_THRESHOLD ? INTERCEPT3_BUS_LOCK : 0);
    vmcb->iopm_base = (uintptr_t)shared->maps.io;
    vmcb->msrpm_base = (uintptr_t)shared->maps.msr;
    vmcb->asid = ASID_GUEST;
    vmcb->nested_control = NESTED_NP_ENABLE;
    vmcb->nested_cr3 = shared->nested_root.v;
    vmcb->exit_code = SVM_NEVER_LEFT;
    /*
     * The one place where translations are invalidated. A guest's nested tables never change after
     * they were built, but what this core cached in an earlier life (linear mappings above all)
     * must not be seen in the next. svm_before_entry() takes it back.
     */
    vmcb->tlb_control = TLB_FLUSH_ALL;
}

static struct svm_segment svm_segment(const struct segment_state *s)
{
    const uint32_t a = s->attributes;

    return (struct svm_segment){
        .selector = s->selector,
        .attributes = (uint16_t)((a & 0xff) | (a >> 4 & 0xf00)),
        .limit = s->limit,
        .base = s->base,
    };
}

/* In the order of enum segment. */
static struct svm_segment *svm_segment_place(struct svm_vmcb *vmcb, uint32_t i)
{
    return i < SEG_LDTR ? &vmcb->es + i : i == SEG_LDTR ? &vmcb->ldtr : &vmcb->tr;
}

void svm_write_guest(struct svm_vcpu *hw, const struct vcpu_state *state)
{
    struct svm_vmcb *vmcb = &hw->vmcb;

    for (uint32_t i = 0; i < SEG_COUNT; i++)
        *svm_segment_place(vmcb, i) = svm_segment(&state->segments[i]);
    vmcb->cpl = state->segments[SEG_SS].attributes >> 5 & 3;
    vmcb->gdtr.base = state->gdtr_base;
    vmcb->gdtr.limit = state->gdtr_limit;
    vmcb->idtr.base = state->idtr_base;
    vmcb->idtr.limit = state->idtr_limit;
    vmcb->efer = state->efer | EFER_SVME;
    vmcb->cr0 = state->cr0;
    vmcb->cr3 = state->cr3;
    vmcb->cr4 = state->cr4;
    vmcb->rip = state->rip;
    hw->entry_rip = state->rip;
    vmcb->rsp = state->gpr[REG_RSP];
    vmcb->rflags = state->rflags | RFLAGS_FIXED;
    vmcb->dr6 = DR6_RESET;
    vmcb->dr7 = DR7_RESET;
    vmcb->g_pat = PAT_RESET;
    vmcb->spec_ctrl = svm_spec.spec_ctrl;
}

static void svm_read_segments(const struct svm_vcpu *hw, struct vcpu_state *state)
{
    struct svm_vmcb *vmcb = (struct svm_vmcb *)&hw->vmcb;

    for (uint32_t i = 0; i < SEG_COUNT; i++) {
        const struct svm_segment *s = svm_segment_place(vmcb, i);
        const uint32_t a = s->attributes;

        state->segments[i] = (struct segment_state){
            .base = s->base,
            .limit = s->limit,
            .selector = s->selector,
            .attributes = (uint16_t)(a & SEGMENT_PRESENT ? (a & 0xff) | (a & 0xf00) << 4 : 0),
        };
    }
    state->gdtr_base = vmcb->gdtr.base;
    state->gdtr_limit = vmcb->gdtr.limit;
    state->idtr_base = vmcb->idtr.base;
    state->idtr_limit = vmcb->idtr.limit;
}

void svm_get_state(struct vcpu *v, struct vcpu_state *state)
{
    const struct svm_vcpu *hw = v->hw;
    const struct svm_vmcb *vmcb = &hw->vmcb;
    const bool our_trap = hw->step != STEP_NONE && !hw->own_trap;

    state->is_lost = hw->is_lost;
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        state->gpr[i] = v->regs.gpr[i];
    state->gpr[REG_RSP] = vmcb->rsp;
    state->rip = vmcb->rip;
    state->rflags = vmcb->rflags & ~(our_trap ? RFLAGS_TF : 0);
    state->cr0 = vmcb->cr0;
    state->cr2 = vmcb->cr2;
    state->cr3 = vmcb->cr3;
    state->cr4 = vmcb->cr4;
    state->efer = vmcb->efer & ~EFER_SVME;
    state->dr7 = vmcb->dr7;
    state->in_shadow = vmcb->interrupt_shadow & SHADOW_ACTIVE;
    state->in_nmi = hw->in_nmi;
    svm_read_segments(hw, state);
}
