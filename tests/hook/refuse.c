/* SPDX-License-Identifier: MIT */
/*
 * refuse: a test build's hook (make HOOK=refuse). Makes each of a guest's first lives one that the
 * processor refuses to enter, for a look at the diagnosis (tests/boot/test_entry_audit.py).
 */
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/vmx.h"

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    static const struct {
        enum vmcs_field field;
        uint64_t value;
    } wrong[] = {
        {VMCS_GUEST_TR_ACCESS, ACCESS_UNUSABLE},
        {VMCS_GUEST_CR3, BIT64(60)},
        {VMCS_GUEST_CS_ACCESS, 0xc09a}, /* not accessed */
        {VMCS_GUEST_ACTIVITY, 17},
    };
    static uint32_t lives;

    (void)v;
    (void)state;
    if (lives < ARRAY_SIZE(wrong))
        vmwrite_raw(wrong[lives].field, wrong[lives].value);
    lives++;
}
