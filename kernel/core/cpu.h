/* SPDX-License-Identifier: MIT */
/*
 * cpu: a core of the machine: its number, its tables, what it waits for, and the vCPU it runs.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/config/config.h"
#include "kernel/virt.h"
#include "lib/types.h"
#include "lib/x86/desc.h"
#include "mm/host.h"

enum gdt_slot { GDT_NULL, GDT_CODE, GDT_DATA_SLOT, GDT_TSS, GDT_TSS_HIGH, GDT_SLOTS };
#define GDT_SELECTOR(slot) ((uint16_t)((slot)*8))

/* Vectors of our own, used only while a core is not in a guest. */
enum host_vector { HOST_VECTOR_TICK = 0xf0, HOST_VECTOR_SPURIOUS = 0xff };

struct cpu {
    struct cpu *self; /* first: what GS:0 holds */
    uint64_t canary;  /* second: kernel/core/canary.h, and the Makefile's CANARY */
    uint32_t id;      /* 0 is the core that booted */
    uint32_t apic_id;
    struct host_core host;     /* its address space */
    struct page *virt_region;  /* for virt_cpu_on() */
    struct vcpu *vcpu;         /* NULL: none; set before launch, then constant */
    const struct trace *trace; /* that vCPU's */
    _Atomic uint32_t wake;     /* any core sets: work is waiting; the owner clears */
    _Atomic uint32_t stage;    /* enum cpu_stage; the owner sets, the boot core reads */
    _Atomic uint64_t nmis;     /* NMIs taken outside guests; owner adds */
    _Atomic uint64_t spurious; /* unexpected interrupts taken outside guests */
};

_Static_assert(offsetof(struct cpu, canary) == 8, "the Makefile's CANARY");

enum cpu_stage { CPU_ABSENT, CPU_STARTED, CPU_VIRT_ON, CPU_VIRT_FAILED };

extern struct cpu cpus[CORES_MAX];

/* For those who are called on whatever core it happens to be: trap, panic, requests to a core that
 * may be this one. Everybody else is handed what it works on. */
static inline struct cpu *this_cpu(void)
{
    struct cpu *c;
    __asm__ volatile("mov %%gs:0, %0" : "=r"(c));
    return c;
}

/* Descriptor tables, GS, IST stacks. On the core itself, on its own page tables. */
void cpu_setup(struct cpu *cpu);

/* Names in the log what this core lacks that Bulkhead needs beside virtualisation; adds to the
 * report. SDM "CPUID—CPU Identification". */
void cpu_need(struct virt_report *report);

/* Puts what a guest leaves behind in this core, whatever its backend, into its reset state: FPU and
 * vector registers, breakpoints, TSC_AUX, the APIC. The rest is virt_vcpu_reset()'s. */
void cpu_reset_guest_state(uint64_t xcr0_allowed);

/*
 * Halts until *flag is not zero, an NMI or an interrupt comes; interrupts are on only meanwhile.
 * May return early: the caller looks again. kernel/core/trap.asm
 */
void cpu_wait(_Atomic uint32_t *flag);

/* The same, and not longer than until the TSC reaches `deadline`. */
void cpu_wait_until(_Atomic uint32_t *flag, uint64_t deadline);

/* Lets interrupts that are pending in this core's APIC come in and be counted and dropped. */
void cpu_drain_interrupts(void);

void cpu_drain(void); /* kernel/core/trap.asm */

/* Makes another core look at its flags, whatever it does. */
void cpu_kick(const struct cpu *cpu);

/* kernel/core/fpu.asm: everything that XSAVE covers, into its initial state. */
void fpu_reset_xsave(uint64_t xcr0);
