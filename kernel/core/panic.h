/* SPDX-License-Identifier: MIT */
/*
 * panic: the end after a bug in the hypervisor. Prints what is known, on this core, without taking
 * any lock, and stops every other core. Nothing a guest, a file or the firmware does leads here.
 */
#pragma once

#include "kernel/core/trap_frame.h"
#include "lib/assert.h"
#include "lib/types.h"

NORETURN COLD void panic_trap(const struct trap_frame *frame);

/* From now on a panic ends with a reset of the machine, and not with a halt: always, as the file
 * says, or as long as a set of files is tried and not confirmed. Before launch seals it. */
void panic_reset_machine(uint64_t tsc_hz, bool always);

/* Another core has panicked: the NMI handler and the vCPU loop ask. */
bool panic_is_elsewhere(void);
NORETURN void panic_stop_core(void);
