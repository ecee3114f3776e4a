/* SPDX-License-Identifier: MIT */
/* switch: the C side of switch.asm. */
#pragma once

#include "kernel/virt.h"

/* Why there was no exit: bits 63:32 of what vmx_switch() returns, which are 0 where there was one.
 */
enum vmx_no_exit {
    VMX_KICKED = 1, /* a request, or an NMI on the way in */
    VMX_REFUSED,    /* VMLAUNCH and VMRESUME failed */
};

static inline enum vmx_no_exit vmx_no_exit(uint64_t reason)
{
    return (enum vmx_no_exit)(reason >> 32);
}

/* Enters the guest with v's registers and comes back with them, unless something else came first.
 * The VMCS is current and its HOST_RSP is v. Returns the exit reason; fills time, rip, insn_len,
 * and hw_rest: not 0 where moving RIP is not all that an instruction's end needs.
 *
 * Written out because a C call would have the assembly keep what its caller may not need. RBP is
 * lost as well: who includes this is compiled without frames (the Makefile's HV_FRAMELESS). */
static inline uint64_t vmx_switch(struct vcpu *v, struct stay *stay)
{
    register uint64_t rip __asm__("r12");
    register uint64_t insn_len __asm__("r13");
    register uint64_t rest __asm__("r14");
    register uint64_t time __asm__("r15");
    uint64_t reason;

    __asm__ volatile("call vmx_switch"
                     : "=c"(reason), "=r"(rip), "=r"(insn_len), "=r"(rest), "=r"(time)
                     : "b"(v)
                     : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "rbp", "memory", "cc");
    stay->rip = rip;
    stay->insn_len = insn_len;
    stay->hw_rest = rest;
    stay->time = time;
    return reason;
}
