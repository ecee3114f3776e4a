/* SPDX-License-Identifier: MIT */
/*
 * vmcs: fills a VMCS, in its three parts: controls, host, guest. The VMCS is current on this core.
 */
#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

void vmx_write_controls(struct vmx_vcpu *hw)
{
    const struct vmx_shared *shared = hw->shared;

    hw->controls_cpu = vmx_controls.cpu & ~CPU_MONITOR_TRAP;
    vmwrite32(VMCS_PIN_BASED_CONTROLS, vmx_controls.pin & ~PIN_PREEMPTION_TIMER);
    vmwrite32(VMCS_PRIMARY_CONTROLS, hw->controls_cpu);
    vmwrite32(VMCS_SECONDARY_CONTROLS, vmx_controls.cpu2);
    vmwrite32(VMCS_EXIT_CONTROLS, vmx_controls.exit & ~EXIT_SAVE_TIMER);
    vmwrite32(VMCS_ENTRY_CONTROLS, vmx_controls.entry);
    vmwrite32(VMCS_EXCEPTION_BITMAP, INTERCEPTED_EXCEPTIONS);
    vmwrite32(VMCS_PF_ERROR_MASK, 0);
    vmwrite32(VMCS_PF_ERROR_MATCH, 0);
    vmwrite32(VMCS_CR3_TARGET_COUNT, 0);
    vmwrite32(VMCS_EXIT_MSR_STORE_COUNT, 0);
    vmwrite32(VMCS_EXIT_MSR_LOAD_COUNT, 0);
    vmwrite32(VMCS_ENTRY_MSR_LOAD_COUNT, 0);
    vmwrite32(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    vmwrite64(VMCS_TSC_OFFSET, 0);
    vmwrite16(VMCS_VPID, shared->vpid);
    vmwrite64(VMCS_EPT_POINTER, shared->ept_pointer);
    vmwrite64(VMCS_MSR_BITMAP, (uintptr_t)&shared->msr);
    vmwrite64(VMCS_IO_BITMAP_A, (uintptr_t)&shared->io[0]);
    vmwrite64(VMCS_IO_BITMAP_B, (uintptr_t)&shared->io[1]);
    if (vmx_controls.cpu2 & CPU2_ENCLS) /* every leaf */
        vmwrite64(VMCS_ENCLS_EXITING_BITMAP, UINT64_MAX);
    if (vmx_controls.cpu2 & CPU2_ENCLV)
        vmwrite64(VMCS_ENCLV_EXITING_BITMAP, UINT64_MAX);
}

static uint64_t vmx_host_rip(bool is_traced)
{
    if (is_traced)
        return (uintptr_t)vmx_exit_traced;
    switch (vmx_spec.at_exit) {
    case SPEC_EXIT_PLAIN:
        break;
    case SPEC_EXIT_ONE:
        return (uintptr_t)vmx_exit_one;
    case SPEC_EXIT_FILL:
        return (uintptr_t)vmx_exit_fill;
    }
    return (uintptr_t)vmx_exit;
}

void vmx_write_host(bool is_traced)
{
    const struct table_register gdtr = read_gdtr();

    vmwrite_nat(VMCS_HOST_CR0, read_cr0());
    vmwrite_nat(VMCS_HOST_CR3, read_cr3());
    vmwrite_nat(VMCS_HOST_CR4, read_cr4());
    vmwrite16(VMCS_HOST_CS_SELECTOR, read_cs());
    vmwrite16(VMCS_HOST_SS_SELECTOR, 0);
    vmwrite16(VMCS_HOST_DS_SELECTOR, 0);
    vmwrite16(VMCS_HOST_ES_SELECTOR, 0);
    vmwrite16(VMCS_HOST_FS_SELECTOR, 0);
    vmwrite16(VMCS_HOST_GS_SELECTOR, 0);
    vmwrite16(VMCS_HOST_TR_SELECTOR, read_tr());
    vmwrite_nat(VMCS_HOST_FS_BASE, 0);
    vmwrite_nat(VMCS_HOST_GS_BASE, rdmsr(MSR_GS_BASE));
    vmwrite_nat(VMCS_HOST_TR_BASE, descriptor_base(&gdtr, read_tr()));
    vmwrite_nat(VMCS_HOST_GDTR_BASE, gdtr.base);
    vmwrite_nat(VMCS_HOST_IDTR_BASE, read_idtr().base);
    vmwrite32(VMCS_HOST_SYSENTER_CS, 0);
    vmwrite_nat(VMCS_HOST_SYSENTER_ESP, 0);
    vmwrite_nat(VMCS_HOST_SYSENTER_EIP, 0);
    vmwrite64(VMCS_HOST_PAT, rdmsr(MSR_PAT));
    vmwrite64(VMCS_HOST_EFER, rdmsr(MSR_EFER));
    vmwrite_nat(VMCS_HOST_RIP, vmx_host_rip(is_traced));
    /* HOST_RSP: vmx_vcpu_reset() */
}

/* The fields of a segment stand two encodings apart, in the order of enum segment. */
static enum vmcs_field vmcs_segment_field(enum vmcs_field of_es, uint32_t segment)
{
    return (enum vmcs_field)(of_es + 2 * segment);
}

static void vmx_write_segments(const struct vcpu_state *state)
{
    for (uint32_t i = 0; i < SEG_COUNT; i++) {
        const struct segment_state *s = &state->segments[i];
        const bool present = s->attributes & SEGMENT_PRESENT;

        vmwrite_raw(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, i), s->selector);
        vmwrite_raw(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, i), s->limit);
        vmwrite_raw(vmcs_segment_field(VMCS_GUEST_ES_ACCESS, i),
                    present ? s->attributes : ACCESS_UNUSABLE);
        vmwrite_raw(vmcs_segment_field(VMCS_GUEST_ES_BASE, i), s->base);
    }
    vmwrite_nat(VMCS_GUEST_GDTR_BASE, state->gdtr_base);
    vmwrite32(VMCS_GUEST_GDTR_LIMIT, state->gdtr_limit);
    vmwrite_nat(VMCS_GUEST_IDTR_BASE, state->idtr_base);
    vmwrite32(VMCS_GUEST_IDTR_LIMIT, state->idtr_limit);
}

static void vmx_write_control_registers(const struct vmx_shared *shared,
                                        const struct vcpu_state *state)
{
    const struct vmx_cr_policy cr0 = vmx_cr0_policy(&vmx_caps);
    const struct vmx_cr_policy cr4 = vmx_cr4_policy(&vmx_caps, shared->cr4_allowed);

    vmwrite_nat(VMCS_CR0_MASK, cr0.owned);
    vmwrite_nat(VMCS_CR0_SHADOW, state->cr0);
    vmwrite_nat(VMCS_GUEST_CR0, vmx_cr_real(cr0, state->cr0));
    vmwrite_nat(VMCS_CR4_MASK, cr4.owned);
    vmwrite_nat(VMCS_CR4_SHADOW, state->cr4);
    vmwrite_nat(VMCS_GUEST_CR4, vmx_cr_real(cr4, state->cr4));
    vmwrite_nat(VMCS_GUEST_CR3, state->cr3);
    vmwrite64(VMCS_GUEST_EFER, state->efer);
    vmwrite32(VMCS_ENTRY_CONTROLS, vmx_controls.entry | (state->efer & EFER_LMA ? ENTRY_IA32E : 0));
}

void vmx_write_guest(struct vmx_vcpu *hw, const struct vcpu_state *state)
{
    vmx_write_control_registers(hw->shared, state);
    vmx_write_segments(state);
    vmwrite_nat(VMCS_GUEST_RIP, state->rip);
    vmwrite_nat(VMCS_GUEST_RSP, state->gpr[REG_RSP]);
    vmwrite_nat(VMCS_GUEST_RFLAGS, state->rflags | RFLAGS_FIXED);
    vmwrite_nat(VMCS_GUEST_DR7, DR7_RESET);
    vmwrite64(VMCS_GUEST_DEBUGCTL, 0);
    vmwrite64(VMCS_GUEST_PAT, PAT_RESET);
    vmwrite_nat(VMCS_GUEST_PENDING_DEBUG, 0);
    vmwrite32(VMCS_GUEST_INTERRUPTIBILITY, 0);
    vmwrite32(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    vmwrite32(VMCS_GUEST_SYSENTER_CS, 0);
    vmwrite_nat(VMCS_GUEST_SYSENTER_ESP, 0);
    vmwrite_nat(VMCS_GUEST_SYSENTER_EIP, 0);
    vmwrite64(VMCS_GUEST_PDPTE0, 0);
    vmwrite64(VMCS_GUEST_PDPTE1, 0);
    vmwrite64(VMCS_GUEST_PDPTE2, 0);
    vmwrite64(VMCS_GUEST_PDPTE3, 0);
    vmwrite64(VMCS_VMCS_LINK_POINTER, UINT64_MAX); /* "must be all ones": no shadow VMCS */
}

static void vmx_read_segments(struct vcpu_state *state)
{
    for (uint32_t i = 0; i < SEG_COUNT; i++) {
        struct segment_state *s = &state->segments[i];
        const uint64_t access = vmread_raw(vmcs_segment_field(VMCS_GUEST_ES_ACCESS, i));

        s->selector = (uint16_t)vmread_raw(vmcs_segment_field(VMCS_GUEST_ES_SELECTOR, i));
        s->limit = (uint32_t)vmread_raw(vmcs_segment_field(VMCS_GUEST_ES_LIMIT, i));
        s->attributes = access & ACCESS_UNUSABLE ? 0 : (uint16_t)access;
        s->base = vmread_raw(vmcs_segment_field(VMCS_GUEST_ES_BASE, i));
    }
    state->gdtr_base = vmread_nat(VMCS_GUEST_GDTR_BASE);
    state->gdtr_limit = vmread32(VMCS_GUEST_GDTR_LIMIT);
    state->idtr_base = vmread_nat(VMCS_GUEST_IDTR_BASE);
    state->idtr_limit = vmread32(VMCS_GUEST_IDTR_LIMIT);
}

void vmx_get_state(struct vcpu *v, struct vcpu_state *state)
{
    const struct vmx_vcpu *hw = v->hw;
    const struct vmx_cr_policy cr0 = vmx_cr0_policy(&vmx_caps);
    const struct vmx_cr_policy cr4 = vmx_cr4_policy(&vmx_caps, hw->shared->cr4_allowed);
    const uint32_t blocked = vmread32(VMCS_GUEST_INTERRUPTIBILITY);

    state->is_lost = false;
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        state->gpr[i] = v->regs.gpr[i];
    state->gpr[REG_RSP] = vmread_nat(VMCS_GUEST_RSP);
    state->rip = vmread_nat(VMCS_GUEST_RIP);
    state->rflags = vmread_nat(VMCS_GUEST_RFLAGS);
    /* As the guest sees them: owned bits from the shadow. */
    state->cr0 =
        (vmread_nat(VMCS_GUEST_CR0) & ~cr0.owned) | (vmread_nat(VMCS_CR0_SHADOW) & cr0.owned);
    state->cr4 =
        (vmread_nat(VMCS_GUEST_CR4) & ~cr4.owned) | (vmread_nat(VMCS_CR4_SHADOW) & cr4.owned);
    state->cr2 = read_cr2(); /* no VM exit changes it, and no page fault of ours survives */
    state->cr3 = vmread_nat(VMCS_GUEST_CR3);
    state->efer = vmread64(VMCS_GUEST_EFER);
    state->dr7 = vmread_nat(VMCS_GUEST_DR7);
    state->in_shadow = blocked & (BLOCKED_BY_STI | BLOCKED_BY_MOV_SS);
    state->in_nmi = blocked & BLOCKED_BY_NMI;
    vmx_read_segments(state);
}
