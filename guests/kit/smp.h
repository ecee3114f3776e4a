/* SPDX-License-Identifier: MIT */
/*
 * smp: brings in the guest's other cores. Their APIC ids are those of the machine and need not be
 * neighbours, and nothing lists them: INIT and SIPI go to "all excluding self", which the
 * hypervisor takes for this guest's cores only, and each core that comes takes a number.
 */
#pragma once

#include "lib/types.h"

#define SMP_CORES_MAX 64

uint32_t smp_expected(void); /* this guest's cores, by CPUID */

/*
 * Runs `work` on each core but the boot core, with its number 1, 2, ... Their interrupts are off,
 * their APIC is enabled, and after `work` they halt. Boot core, once, after x2apic_enable().
 */
void smp_start(void (*work)(uint32_t number));

/* Waits until all expected cores run, at most `ns`; how many do, the boot core included. */
uint32_t smp_wait(uint64_t ns);
