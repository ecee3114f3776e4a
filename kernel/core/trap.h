/* SPDX-License-Identifier: MIT */
/*
 * trap: exceptions, NMIs and interrupts taken by the hypervisor itself, never by a guest. The only
 * NMI with a purpose is another core's kick; every exception is our own bug.
 */
#pragma once

#include "lib/types.h"

/* Added to the vector of an interrupt, to tell it from an exception of the same number. */
#define TRAP_INTERRUPT 256

/* As trap.asm pushes it. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error;                    /* 0 where the exception has none */
    uint64_t rip, cs, rflags, rsp, ss; /* as the CPU pushes them */
};

/*
 * Code that must not be resumed where an NMI or an interrupt came, because it has decided to sleep
 * or to enter a guest and would miss what that announces: it goes on at `target` instead. Offsets
 * are relative to the address of the field that holds them.
 */
struct fixup {
    int32_t begin, end, target;
};

/* Builds the IDT; boot core, once. */
void trap_init(void);

/* Uses it; each core. */
void trap_load_idt(void);

/* Loads CS from `code` and zero into the other segment registers. kernel/core/trap.asm */
void load_segments(uint16_t code);

/* For trap.asm. */
void trap_handle(struct trap_frame *frame);
