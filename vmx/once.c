/* SPDX-License-Identifier: MIT */
/*
 * once: one instruction of the guest on other nested tables, under the monitor trap flag. Those
 * differ by the right to write to pages that nothing but Bulkhead reads. SDM "Monitor Trap Flag".
 */
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

void vmx_once(struct vcpu *v, bool on)
{
    struct vmx_vcpu *hw = v->hw;

    vmwrite64(VMCS_EPT_POINTER, on ? hw->shared->open_pointer : hw->shared->ept_pointer);
    hw->once_tried = false;
    vmx_trap(v, WORK_ONCE, on);
}

/*
 * An interrupt that comes first is delivered, and the trap comes in front of its handler: the write
 * faults again behind it. Neither RFLAGS nor the shadow of an STI are touched. What is cached by
 * way of one EPT pointer is not used by way of another, and what the guest invalidates goes in
 * both. SDM "Information for VM Exits During Event Delivery", "Cached Translation Information".
 */
bool vmx_write_once(struct vcpu *v)
{
    const struct vmx_vcpu *hw = v->hw;

    if (hw->shared->open_pointer == 0 || (vmread32(VMCS_IDT_VECTORING_INFO) & INTR_VALID))
        return false;
    if (v->hw_work & WORK_REPEAT)
        vmx_cr_end(v, false);
    vmx_once(v, true);
    return true;
}
