/* SPDX-License-Identifier: MIT */
/*
 * notimer: a test build's hook (make HOOK=notimer). A backend without a timer that counts while a
 * guest runs, so that core 0 watches the deadlines (kernel/vm/watch.c). VT-x's own is never set,
 * and an exit by it would stop the guest.
 */
#include "lib/assert.h"
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

void __real_virt_probe(struct virt_report *report);
void __wrap_virt_probe(struct virt_report *report);

void __wrap_virt_probe(struct virt_report *report)
{
    __real_virt_probe(report);
    report->guest_timer = false;
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    (void)v;
    (void)state;
    ASSERT(!(vmread32(VMCS_PIN_BASED_CONTROLS) & PIN_PREEMPTION_TIMER));
}
