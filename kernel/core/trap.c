/* SPDX-License-Identifier: MIT */
#include "kernel/core/trap.h"

#include "drivers/lapic.h"
#include "kernel/core/cores.h"
#include "kernel/core/cpu_tables.h"
#include "kernel/core/machine_check.h"
#include "kernel/core/panic.h"
#include "lib/x86/cr.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"

#define IDT_ENTRIES 256
#define STUB_SIZE   16
#define EXCEPTIONS  32 /* their vectors are the first */

/* One for the hypervisor at work, with interrupts off; one for its waits, with interrupts on. */
static SEALED ALIGNED(16) struct idt_gate idt[IDT_ENTRIES];
static SEALED ALIGNED(16) struct idt_gate wait_idt[IDT_ENTRIES];

/* For trap.asm and cpu.asm. */
extern struct table_register trap_idtr, trap_wait_idtr;
SEALED struct table_register trap_idtr, trap_wait_idtr;

/* kernel/core/trap.asm */
extern const uint8_t trap_stubs[IDT_ENTRIES][STUB_SIZE];
extern const uint8_t trap_wait_stubs[IDT_ENTRIES][STUB_SIZE];

/* linker.ld */
extern const struct fixup fixup_table[], fixup_table_end[];
extern const struct fixup fixup_gp_table[], fixup_gp_table_end[];

static uint8_t trap_ist(uint32_t vector)
{
    switch (vector) {
    case VECTOR_NMI:
        return STACK_NMI;
    case VECTOR_DF:
        return STACK_DF;
    case VECTOR_MC:
        return STACK_MC;
    case VECTOR_DB:
        return STACK_DB;
    default:
        return 0;
    }
}

static struct idt_gate trap_gate(const uint8_t stub[STUB_SIZE])
{
    const uint64_t address = (uintptr_t)stub;

    return (struct idt_gate){
        .offset_low = (uint16_t)address,
        .selector = GDT_SELECTOR(GDT_CODE),
        .type = IDT_INTERRUPT_GATE,
        .offset_middle = (uint16_t)(address >> 16),
        .offset_high = (uint32_t)(address >> 32),
    };
}

void trap_init(void)
{
    for (uint32_t v = 0; v < IDT_ENTRIES; v++) {
        idt[v] = trap_gate(trap_stubs[v]);
        wait_idt[v] = trap_gate(trap_wait_stubs[v]);
    }
    trap_idtr = (struct table_register){sizeof(idt) - 1, (uintptr_t)idt};
    trap_wait_idtr = (struct table_register){sizeof(wait_idt) - 1, (uintptr_t)wait_idt};
}

void trap_use_stacks(void)
{
    for (uint32_t v = 0; v < IDT_ENTRIES; v++)
        idt[v].ist = wait_idt[v].ist = trap_ist(v);
}

void trap_load_idt(void)
{
    load_idtr(&trap_idtr);
}

static uint64_t fixup_address(const int32_t *field)
{
    return (uintptr_t)field + (uint64_t)(int64_t)*field;
}

/* The one that covers RIP, or `end`. */
static const struct fixup *trap_find(const struct fixup *f, const struct fixup *end, uint64_t rip)
{
    while (f < end && (rip < fixup_address(&f->begin) || rip >= fixup_address(&f->end)))
        f++;
    return f;
}

static void trap_fixup(struct trap_frame *frame)
{
    const struct fixup *f = trap_find(fixup_table, fixup_table_end, frame->rip);

    if (f < fixup_table_end)
        frame->rip = fixup_address(&f->target);
}

static void trap_gp(struct trap_frame *frame)
{
    const struct fixup *f = trap_find(fixup_gp_table, fixup_gp_table_end, frame->rip);

    if (f == fixup_gp_table_end)
        panic_trap(frame);
    frame->rip = fixup_address(&f->target);
}

static void trap_nmi(struct trap_frame *frame)
{
    atomic_fetch_add_explicit(&this_cpu()->nmis, 1, memory_order_relaxed);
    if (panic_is_elsewhere())
        panic_stop_core();
    trap_fixup(frame);
}

/* Not of a guest. What hit another core only, or nobody, is broadcast all the same. */
static void trap_machine_check(struct trap_frame *frame)
{
    if (panic_is_elsewhere())
        panic_stop_core();
    (void)machine_check_take(NULL);
    trap_fixup(frame);
}

/* In a wait: an NMI, an interrupt with its number that a guest has sent, or both. An NMI that is
 * taken for more than it is harms nobody; one that is missed would. */
static void trap_wait_nmi(struct trap_frame *frame)
{
    trap_nmi(frame);
    if (lapic_in_service(VECTOR_NMI))
        lapic_eoi();
}

/* Taken in a wait: the tick that ends it, or what a guest left behind. */
static void trap_interrupt(struct trap_frame *frame)
{
    const uint64_t vector = frame->vector - TRAP_INTERRUPT;

    if (vector == VECTOR_NMI) {
        trap_wait_nmi(frame);
        return;
    }
    /* A machine check, and any other exception, shares its number with an interrupt that a guest
     * may have sent. */
    if (vector < EXCEPTIONS && !lapic_in_service((uint8_t)vector)) {
        frame->vector = vector;
        if (vector != VECTOR_MC)
            panic_trap(frame);
        trap_machine_check(frame);
        return;
    }
    if (vector != HOST_VECTOR_TICK)
        atomic_fetch_add_explicit(&this_cpu()->spurious, 1, memory_order_relaxed);
    /* Also for the spurious vector: an interrupt with that number is in service like any other, and
     * where none is the EOI does nothing. */
    lapic_eoi();
    /* It ends the wait, also where it came before the HLT: behind STI no interrupt may, but Bochs
     * takes one now and then, and the tick that was to end the sleep would be gone. */
    trap_fixup(frame);
}

void trap_handle(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_NMI)
        trap_nmi(frame);
    else if (frame->vector == VECTOR_MC)
        trap_machine_check(frame);
    else if (frame->vector >= TRAP_INTERRUPT)
        trap_interrupt(frame);
    else if (frame->vector == VECTOR_GP)
        trap_gp(frame);
    else
        panic_trap(frame);
}
