/* SPDX-License-Identifier: MIT */
/*
 * cr_repeat: a MOV to CR0 or CR4 that touches a bit of ours: the guest is shown what it writes, and
 * repeats the instruction under the monitor trap flag (docs/decisions/002).
 */
#include "lib/x86/cr.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

static enum vmcs_field vmx_cr_shadow(uint8_t number)
{
    return number == 0 ? VMCS_CR0_SHADOW : VMCS_CR4_SHADOW;
}

static void vmx_cr_watch(struct vcpu *v, bool on)
{
    vmx_trap(v, WORK_REPEAT, on);
    vmwrite32(VMCS_EXCEPTION_BITMAP, INTERCEPTED_EXCEPTIONS | (on ? BIT32(VECTOR_GP) : 0));
}

/* The shadow gets what the guest writes before the processor has seen the instruction: if that is
 * not done, it was never written. */
void vmx_cr_end(struct vcpu *v, bool done)
{
    const struct vmx_vcpu *hw = v->hw;

    vmx_cr_watch(v, false);
    if (!done)
        vmwrite_raw(vmx_cr_shadow(hw->repeat.number), hw->repeat.shadow);
}

/* At the monitor trap, which comes behind one instruction or, SDM "Monitor Trap Flag", in front of
 * the handler of an interrupt that came first: it has a new stack pointer. Of RIP only 16 bits
 * count, as it wraps there in real mode. */
bool vmx_cr_is_done(const struct vmx_vcpu *hw)
{
    return (uint16_t)vmread_nat(VMCS_GUEST_RIP) == (uint16_t)hw->repeat.behind &&
           vmread_nat(VMCS_GUEST_RSP) == hw->repeat.rsp;
}

static enum verdict vmx_cr_let_repeat(struct vcpu *v, uint8_t number, uint64_t value)
{
    struct vmx_vcpu *hw = v->hw;
    const enum vmcs_field shadow = vmx_cr_shadow(number);

    hw->repeat = (struct vmx_cr_repeat){
        .behind = vmread_nat(VMCS_GUEST_RIP) + vmread32(VMCS_EXIT_INSTRUCTION_LENGTH),
        .rsp = vmread_nat(VMCS_GUEST_RSP),
        .shadow = vmread_raw(shadow),
        .number = number,
    };
    vmwrite_raw(shadow, value);
    vmx_cr_watch(v, true);
    return DO_AGAIN;
}

enum verdict vmx_control(struct vcpu *v, const struct vcpu_exit *x)
{
    const struct vmx_vcpu *hw = v->hw;
    /* Outside 64-bit mode the operand has 32 bits, whatever lies in the register above them. */
    const uint64_t value = vmx_in_64bit(v) ? x->cr.value : (uint32_t)x->cr.value;

    if (x->cr.number == 0) {
        if (!vmx_cr0_ok(value))
            return DO_GP;
    } else if (!vmx_cr4_ok(vmx_cr4_policy(&vmx_caps, hw->shared->cr4_allowed), value)) {
        return DO_GP;
    }
    return vmx_cr_let_repeat(v, x->cr.number, value);
}
