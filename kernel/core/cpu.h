/* SPDX-License-Identifier: MIT */
/*
 * cpu: the core it runs on: its tables, its sleep, and the clean-up between two lives of a guest.
 */
#pragma once

#include <stdatomic.h>

#include "drivers/lapic_timer.h"
#include "kernel/core/cores.h"
#include "kernel/virt.h"
#include "lib/types.h"

/* A core's first steps: GDT, GS and IDT of our own, on the stack that is in use, and no traces of
 * the firmware's any more. The boot core first. Needs no memory but the image. */
void cpu_setup_early(struct cpu *cpu);

/* Then the TSS and with it IST stacks. On the core itself, on its own page tables. */
void cpu_setup(struct cpu *cpu);

/* What cpu_wait_until() waits by, on all cores. Boot core, before cpu_need(). */
void cpu_use_timer(const struct lapic_timer *timer);

/* Names in the log what this core lacks that Bulkhead needs beside virtualisation; adds to the
 * report. SDM "CPUID—CPU Identification". */
void cpu_need(struct virt_report *report);

/* Puts what a guest leaves behind in this core, whatever its backend, into its reset state: FPU and
 * vector registers, protection keys, breakpoints, TSC_AUX, the APIC. The rest is
 * virt_vcpu_reset()'s. */
void cpu_reset_guest_state(uint64_t xcr0_allowed);

/*
 * Halts until *flag is not zero, an NMI or an interrupt comes; interrupts are on only meanwhile.
 * May return early: the caller looks again. kernel/core/cpu.asm
 */
void cpu_wait(_Atomic uint32_t *flag);

/* The same, and not longer than until the TSC reaches `deadline`. */
void cpu_wait_until(_Atomic uint32_t *flag, uint64_t deadline);

/* Lets interrupts that are pending in this core's APIC come in and be counted and dropped. */
void cpu_drain_interrupts(void);

void cpu_drain(void); /* kernel/core/cpu.asm */

/* Loads CS from `code` and zero into the other segment registers. kernel/core/cpu.asm */
void cpu_load_segments(uint16_t code);
