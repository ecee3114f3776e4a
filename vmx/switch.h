/* SPDX-License-Identifier: MIT */
/* switch: the C side of switch.asm. */
#pragma once

#include "kernel/virt.h"

enum vmx_switch_result { VMX_SWITCH_EXIT, VMX_SWITCH_KICKED, VMX_SWITCH_FAILED };

/* Enters the guest with v's registers and comes back with them, unless a kick or a refused entry
 * came first. `host_rsp`: what the VMCS has as the host's RSP. The VMCS is current.
 *
 * Written out because a C call would have the assembly keep what its caller may not need. RBP
 * alone cannot be named as lost: the compiler's frames hang on it. */
static inline enum vmx_switch_result vmx_switch(struct vcpu *v, uint64_t *host_rsp)
{
    uint64_t result;

    __asm__ volatile("push %%rbp\n\t"
                     "call vmx_switch\n\t"
                     "pop %%rbp"
                     : "=a"(result), "+D"(v), "+S"(host_rsp)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "r13", "r14", "r15", "memory", "cc");
    return (enum vmx_switch_result)result;
}
