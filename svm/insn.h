/* SPDX-License-Identifier: MIT */
/* insn: the SVM instructions that C needs. APM "System Instruction Reference". */
#pragma once

#include "lib/types.h"

/* FS, GS, TR, LDTR with their hidden parts, and the MSRs of SYSCALL, SYSENTER and SWAPGS. */
static inline void vmsave(hpa_t vmcb)
{
    __asm__ volatile("vmsave %0" : : "a"(vmcb.v) : "memory");
}
