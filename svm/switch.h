/* SPDX-License-Identifier: MIT */
/* switch: the C side of switch.asm. */
#pragma once

#include "kernel/virt.h"
#include "svm/svm.h"

#define SVM_SWITCH(which)                                                                  \
    __asm__ volatile("call " which                                                         \
                     : "=c"(code), "=r"(rip), "=r"(vmcb), "=r"(time)                       \
                     : "b"(v)                                                              \
                     : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r13", "rbp", \
                       "memory", "cc")

/* More than an exit code: a request came before the entry. */
#define SVM_NO_EXIT (UINT64_C(1) << 32)

/* Enters the guest with v's registers and comes back with them, unless something else came first.
 * Returns the exit code's 32 bits, or SVM_NO_EXIT; fills stay->time, rip, and hw_rest: the VMCB.
 *
 * Written out because a C call would have the assembly keep what its caller may not need. RBP is
 * lost as well: who includes this is compiled without frames (the Makefile's HV_FRAMELESS). */
static inline uint64_t svm_switch(struct vcpu *v, struct stay *stay)
{
    register uint64_t time __asm__("r15");
    register uint64_t rip __asm__("r12");
    register uint64_t vmcb __asm__("r14");
    uint64_t code;

    /* Decided before the guest runs: behind it nothing of its is to steer us. */
    if (v->hw_exit == SVM_WAY_PLAIN)
        SVM_SWITCH("svm_switch");
    else
        SVM_SWITCH("svm_switch_guarded");
    stay->time = time;
    stay->rip = rip;
    stay->hw_rest = vmcb;
    return code;
}
