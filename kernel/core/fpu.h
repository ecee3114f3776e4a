/* SPDX-License-Identifier: MIT */
/*
 * fpu: FPU and vector state, reset by the one place that touches it (kernel/core/fpu.asm).
 */
#pragma once

#include "lib/types.h"

/* Everything that XSAVE covers, into its initial state. Needs CR4.OSXSAVE. */
void fpu_reset_xsave(uint64_t xcr0);
