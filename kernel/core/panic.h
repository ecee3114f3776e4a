/* SPDX-License-Identifier: MIT */
/*
 * panic: the end after a bug of our own. Prints what is known, on this core, without taking any
 * lock, and stops every other core. Nothing a guest, a file or the firmware does leads here.
 */
#pragma once

#include "kernel/core/trap_frame.h"
#include "lib/assert.h"
#include "lib/types.h"

NORETURN COLD void panic_trap(const struct trap_frame *frame);

/* Another core has panicked: the NMI handler and the vCPU loop ask. */
bool panic_is_on(void);
NORETURN void panic_stop_core(void);
