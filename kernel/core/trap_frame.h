/* SPDX-License-Identifier: MIT */
/*
 * trap_frame: the registers of an interrupted core, as kernel/core/trap.asm pushes them.
 */
#pragma once

#include "lib/types.h"

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error;                    /* 0 where the exception has none */
    uint64_t rip, cs, rflags, rsp, ss; /* as the CPU pushes them */
};
