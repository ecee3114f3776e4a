/* SPDX-License-Identifier: MIT */
/*
 * debug: what a debugger changes in a guest between two stays, and its single steps, by the monitor
 * trap flag: the guest does not see it. The VMCS is current on this core.
 */
#include "lib/x86/cr.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

#define BLOCKED_BY_SHADOW ((uint32_t)(BLOCKED_BY_STI | BLOCKED_BY_MOV_SS))

void vmx_debug_state(struct vcpu *v, const struct vcpu_state *state)
{
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = state->gpr[i];
    vmwrite_nat(VMCS_GUEST_RSP, state->gpr[REG_RSP]);
    vmwrite_nat(VMCS_GUEST_RFLAGS, state->rflags);
    vmwrite_nat(VMCS_GUEST_DR7, state->dr7);
    if (vmread_nat(VMCS_GUEST_RIP) == state->rip)
        return;
    /* Elsewhere it does not halt, and has no shadow of the instruction before. */
    vmwrite_nat(VMCS_GUEST_RIP, state->rip);
    vmwrite32(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    vmwrite32(VMCS_GUEST_INTERRUPTIBILITY,
              vmread32(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKED_BY_SHADOW);
}

/* The exit left DR6 as it was. */
void vmx_debug_drop(struct vcpu *v, uint64_t bits)
{
    (void)bits;
    vmx_keep_cut_event(v);
    vmx_keep_trap();
}

/* Of #DB an exit tells, and not DR6. */
void vmx_debug_forget(struct vcpu *v, uint64_t bits)
{
    (void)v;
    (void)bits;
}

/* HLT exits meanwhile: vmx_debug_ends_halt(). With a window it does anyway. */
static void vmx_debug_watch(struct vcpu *v, bool on)
{
    struct vmx_vcpu *hw = v->hw;
    const uint32_t controls = hw->controls_cpu;

    if (!(controls & (CPU_INTERRUPT_WINDOW | CPU_NMI_WINDOW)))
        vmx_set_cpu_controls(hw, on ? controls | CPU_HLT : controls & ~CPU_HLT);
    vmx_trap(v, WORK_STEP, on);
}

/* Keeps interrupts out for one instruction, as behind STI. SDM "Checks on Guest Non-Register State"
 * says where that is allowed; elsewhere a step may lead into a handler. */
static void vmx_debug_shut(void)
{
    const uint64_t rflags = vmread_nat(VMCS_GUEST_RFLAGS);
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);

    if ((rflags & RFLAGS_IF) && !(rflags & RFLAGS_TF) && !(blocked & BLOCKED_BY_SHADOW) &&
        vmread32(VMCS_GUEST_ACTIVITY) == ACTIVITY_ACTIVE && !vmx_event_is_queued())
        vmwrite32(VMCS_GUEST_INTERRUPTIBILITY, blocked | BLOCKED_BY_STI);
}

void vmx_debug_step(struct vcpu *v, bool on)
{
    struct vmx_vcpu *hw = v->hw;

    hw->step_rip = vmread_nat(VMCS_GUEST_RIP);
    vmx_debug_watch(v, on);
    if (on)
        vmx_debug_shut();
}

bool vmx_debug_has_moved(const struct vmx_vcpu *hw)
{
    return vmread_nat(VMCS_GUEST_RIP) != hw->step_rip;
}

void vmx_debug_end_step(struct vcpu *v)
{
    if (!(v->hw_work & WORK_STEP))
        return;
    vmx_debug_watch(v, false);
    atomic_fetch_or(&v->kick, VIRT_STEPPED);
}

bool vmx_debug_ends_halt(struct vcpu *v)
{
    if (!(v->hw_work & WORK_STEP) || vmx_cpl(v) != 0)
        return false;
    vmwrite_nat(VMCS_GUEST_RIP,
                vmread_nat(VMCS_GUEST_RIP) + vmread32(VMCS_EXIT_INSTRUCTION_LENGTH));
    vmwrite32(VMCS_GUEST_INTERRUPTIBILITY,
              vmread32(VMCS_GUEST_INTERRUPTIBILITY) & ~BLOCKED_BY_SHADOW);
    vmx_debug_end_step(v);
    return true;
}
