/* SPDX-License-Identifier: MIT */
/*
 * idt: one interrupt descriptor table for all cores, and the C end of vectors.asm.
 * SDM "64-Bit Mode IDT".
 */
#include "guests/kit/idt.h"

#include "guests/kit/kit.h"
#include "guests/kit/paging.h"
#include "guests/kit/task.h"
#include "guests/kit/try.h"
#include "lib/x86/cr.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"

#define EXCEPTIONS  32
#define VECTOR_SIZE 16 /* bytes of code per vector in vectors.asm */
#define SELECTOR    0x08

_Static_assert(sizeof(struct trap_frame) == 22 * 8, "vectors.asm pushes 22 words");

extern const char idt_vectors[];
extern const char kit_code[], kit_code_end[], kit_constants_end[], kit_end[]; /* guest.ld */
void idt_dispatch(struct trap_frame *frame);
NORETURN void crash_frame(struct trap_frame *frame); /* crash.asm */

static ALIGNED(16) struct idt_gate gates[256];
static irq_handler *handlers[256];

static const char *const exception_names[EXCEPTIONS] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",   "#TS",
    "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
};

void irq_handle(uint8_t vector, irq_handler *handler)
{
    handlers[vector] = handler;
}

static void idt_set(uint8_t vector, uint64_t entry, unsigned dpl)
{
    gates[vector] = (struct idt_gate){
        .offset_low = (uint16_t)entry,
        .selector = SELECTOR,
        .type = (uint8_t)(IDT_INTERRUPT_GATE | dpl << 5),
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

void idt_set_gate(uint8_t vector, void (*entry)(void), unsigned dpl)
{
    idt_set(vector, (uint64_t)entry, dpl);
}

void idt_load(void)
{
    const struct table_register idtr = {sizeof(gates) - 1, (uint64_t)gates};

    load_idtr(&idtr);
}

void idt_init(void)
{
    for (unsigned v = 0; v < 256; v++)
        idt_set((uint8_t)v, (uint64_t)idt_vectors + v * VECTOR_SIZE, 0);
    gates[VECTOR_DF].ist = TASK_IST_DF;
    idt_load();
}

/* A jump to where no code is: the line that did it is the caller's. */
static void idt_find_caller(struct trap_frame *f)
{
    const bool jumped = f->vector == VECTOR_PF && f->rip == read_cr2();

    if (!jumped || f->rsp % 8 != 0 || f->rsp < (uint64_t)kit_constants_end ||
        f->rsp >= (uint64_t)kit_end || paging_is_guard(f->rsp))
        return;
    const uint64_t caller = *(const uint64_t *)f->rsp;
    if (caller > (uint64_t)kit_code && caller < (uint64_t)kit_code_end)
        f->rip = caller - 1; /* inside of the CALL */
}

/* What the call `crash` says itself is left out, but for the registers that it needs. */
NORETURN static void idt_die(struct trap_frame *f)
{
    const char *name = f->vector < EXCEPTIONS ? exception_names[f->vector] : NULL;
    const bool overflow =
        (f->vector == VECTOR_DF || f->vector == VECTOR_PF) && paging_is_guard(read_cr2());

    idt_find_caller(f);
    if (begin_to_die()) {
        if (name != NULL)
            last_words("%s%s at RIP 0x%lx, error code 0x%lx, CR2 0x%lx",
                       overflow ? "stack overflow: " : "", name, f->rip, f->error_code, read_cr2());
        else
            last_words("vector %lu at RIP 0x%lx", f->vector, f->rip);
        last_words("RAX 0x%lx RBX 0x%lx RCX 0x%lx RDX 0x%lx", f->rax, f->rbx, f->rcx, f->rdx);
    }
    crash_frame(f);
}

/* By vectors.asm, for every interrupt and exception, on any core. */
void idt_dispatch(struct trap_frame *frame)
{
    irq_handler *handler = handlers[frame->vector & 0xff];

    if (handler != NULL) {
        handler(frame);
        return;
    }
    if (frame->vector >= EXCEPTIONS || !try_recover(frame))
        idt_die(frame);
}
