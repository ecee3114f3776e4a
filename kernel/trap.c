/* SPDX-License-Identifier: MIT */
#include "kernel/trap.h"

#include "drivers/lapic.h"
#include "kernel/cpu.h"
#include "kernel/panic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define IDT_ENTRIES 256
#define STUB_SIZE   16

static ALIGNED(16) struct idt_gate idt[IDT_ENTRIES];

/* kernel/trap.asm */
extern const uint8_t trap_stubs[IDT_ENTRIES][STUB_SIZE];

/* linker.ld */
extern const struct fixup fixup_table[], fixup_table_end[];

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

void trap_init(void)
{
    for (uint32_t v = 0; v < IDT_ENTRIES; v++) {
        const uint64_t stub = (uintptr_t)trap_stubs[v];
        idt[v] = (struct idt_gate){
            .offset_low = (uint16_t)stub,
            .selector = GDT_SELECTOR(GDT_CODE),
            .ist = trap_ist(v),
            .type = IDT_INTERRUPT_GATE,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
}

void trap_load_idt(void)
{
    const struct table_register idtr = {sizeof(idt) - 1, (uintptr_t)idt};
    load_idtr(&idtr);
}

static uint64_t fixup_address(const int32_t *field)
{
    return (uintptr_t)field + (uint64_t)(int64_t)*field;
}

static void trap_nmi(struct trap_frame *frame)
{
    atomic_fetch_add_explicit(&this_cpu()->nmis, 1, memory_order_relaxed);
    if (panic_is_on())
        panic_stop_core();
    for (const struct fixup *f = fixup_table; f < fixup_table_end; f++) {
        if (frame->rip >= fixup_address(&f->begin) && frame->rip < fixup_address(&f->end))
            frame->rip = fixup_address(&f->target);
    }
}

void trap_handle(struct trap_frame *frame)
{
    if (frame->vector == VECTOR_NMI) {
        trap_nmi(frame);
        return;
    }
    if (frame->vector < 32)
        panic_trap(frame);
    if (frame->vector == HOST_VECTOR_SPURIOUS)
        return; /* "Spurious Interrupt": no EOI */
    if (frame->vector != HOST_VECTOR_TICK)
        atomic_fetch_add_explicit(&this_cpu()->spurious, 1, memory_order_relaxed);
    lapic_eoi();
}
