/* SPDX-License-Identifier: MIT */
/* switch: the C side of switch.asm. */
#pragma once

#include "kernel/virt.h"

/* Why there was no exit: bits 63:32 of the stay's reason, which are 0 where there was one. */
enum vmx_no_exit {
    VMX_KICKED = 1, /* a request, or an NMI on the way in */
    VMX_REFUSED,    /* VMLAUNCH and VMRESUME failed */
};

static inline enum vmx_no_exit vmx_no_exit(uint64_t reason)
{
    return (enum vmx_no_exit)(reason >> 32);
}

/* Enters the guest with v's registers and comes back with them, unless something else came first.
 * The VMCS is current and its HOST_RSP is v.
 *
 * Written out because a C call would have the assembly keep what its caller may not need. RBP
 * alone cannot be named as lost: the compiler's frames hang on it. */
static inline void vmx_switch(struct vcpu *v, struct vcpu_stay *stay)
{
    register uint64_t rip __asm__("r12");
    register uint64_t insn_len __asm__("r13");
    register uint64_t special __asm__("r14");

    __asm__ volatile("push %%rbp\n\t"
                     "call vmx_switch\n\t"
                     "pop %%rbp"
                     : "=c"(stay->reason), "=r"(rip), "=r"(insn_len), "=r"(special),
                       "=a"(stay->time)
                     : "b"(v)
                     : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r15", "memory", "cc");
    stay->rip = rip;
    stay->insn_len = insn_len;
    stay->special = special;
}
