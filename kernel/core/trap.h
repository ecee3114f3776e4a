/* SPDX-License-Identifier: MIT */
/*
 * trap: exceptions, NMIs and interrupts taken by the hypervisor itself, never by a guest. An NMI is
 * another core's kick; on core 0 it may be the chipset's (nmi.h), and is counted; every exception
 * is our own bug, but for a #GP at an access to an MSR that need not be there (lib/x86/insn.h).
 */
#pragma once

#include "kernel/core/trap_frame.h"
#include "lib/types.h"

/* Added to the vector of an interrupt, to tell it from an exception of the same number. */
#define TRAP_INTERRUPT 256

/*
 * Code that must not be resumed where it was: it goes on at `target` instead. In .fixup, where an
 * NMI or an interrupt came, because the code has decided to sleep or to enter a guest and would
 * miss what that announces; in .fixup_gp, where a #GP came. Offsets are relative to the address of
 * the field that holds them.
 */
struct fixup {
    int32_t begin, end, target;
};

/* Builds the IDT, whose handlers run on the stack that is in use; boot core, once. */
void trap_init(void);

/* From now on fatal exceptions and NMIs have stacks of their own. Boot core, with its TSS loaded.
 */
void trap_use_stacks(void);

/* Uses it; each core. */
void trap_load_idt(void);

/* For trap.asm. */
void trap_handle(struct trap_frame *frame);
