/* SPDX-License-Identifier: MIT */
/*
 * insn: stands before the real lib/x86/insn.h on the include path of the exit target, so that the
 * hypervisor's own kernel/vm/exit.c, hypercall.c, link.c and serial.c compile unchanged and what
 * they would do to the hardware comes to the target to be judged. What is not here they must not
 * use.
 */
#pragma once

#include "lib/types.h"

void wrmsr(uint32_t index, uint64_t value);
void xsetbv(uint32_t index, uint64_t value);
uint64_t rdtsc(void);
void mfence_lfence(void);

/* Nobody else is there to be waited for. */
static inline void cpu_pause(void)
{
}
