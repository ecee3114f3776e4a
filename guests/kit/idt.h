/* SPDX-License-Identifier: MIT */
/*
 * idt: interrupts and exceptions. One that no handler is set for ends the guest as a crash: it
 * prints what and where that was, and the hypervisor the registers.
 */
#pragma once

#include "lib/types.h"

/* What vectors.asm leaves on the stack, lowest address first; a handler may change it. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
    uint64_t vector;
    uint64_t error_code; /* 0 where the exception has none */
    uint64_t rip, cs, rflags, rsp, ss;
};

/*
 * Runs with interrupts off. If the interrupt came from the local APIC, the handler ends with
 * x2apic_eoi(); for the PV timer, an exception or an NMI it must not.
 */
typedef void irq_handler(struct trap_frame *frame);

void irq_handle(uint8_t vector, irq_handler *handler); /* for all cores; NULL: fatal again */

void idt_init(void); /* builds the table and loads it; boot core, by kit_main() */
void idt_load(void); /* every other core */

/* Points `vector` to an entry of the caller's own, reachable from CPL `dpl` by INT. */
void idt_set_gate(uint8_t vector, void (*entry)(void), unsigned dpl);

static inline void irq_enable(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" : : : "memory");
}

/*
 * Interrupts on, and sleep until one came; off again. An interrupt that became pending while they
 * were off ends the sleep too: STI takes effect only behind HLT.
 */
static inline void irq_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Returns RFLAGS as they were, for irq_restore(). */
static inline uint64_t irq_save(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void irq_restore(uint64_t flags)
{
    __asm__ volatile("push %0; popfq" : : "r"(flags) : "memory", "cc");
}
