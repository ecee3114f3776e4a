/* SPDX-License-Identifier: MIT */
/* switch: the C side of switch.asm. */
#pragma once

#include "kernel/virt.h"
#include "svm/svm.h"

#define SVM_SWITCH(which)                                                                         \
    __asm__ volatile("call " which                                                                \
                     : "=c"(no_exit), "=r"(time)                                                  \
                     : "b"(v)                                                                     \
                     : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", \
                       "rbp", "memory", "cc")

/* Enters the guest with v's registers and comes back with them, unless something else came first:
 * false. Fills stay->time.
 *
 * Written out because a C call would have the assembly keep what its caller may not need. RBP is
 * lost as well: who includes this is compiled without frames (the Makefile's HV_FRAMELESS). */
static inline bool svm_switch(struct vcpu *v, struct stay *stay)
{
    register uint64_t time __asm__("r15");
    uint64_t no_exit;

    /* Decided before the guest runs: behind it nothing of its is to steer us. */
    if (svm_spec.at_exit == AT_EXIT_NOTHING)
        SVM_SWITCH("svm_switch");
    else
        SVM_SWITCH("svm_switch_guarded");
    stay->time = time;
    return no_exit == 0;
}
