/* SPDX-License-Identifier: MIT */
/*
 * try: runs one instruction that may fault and says whether it did. Boot core only, one at a time,
 * at any CPL; NMI excluded. What the instruction would have changed is unchanged after a fault.
 */
#pragma once

#include "guests/kit/idt.h"
#include "lib/types.h"

struct fault {
    bool taken;
    uint8_t vector;
    uint32_t error_code;
    uint64_t rip; /* of the instruction */
};

/* For inline assembly: `insn` with a way out. Clobber "memory", and call try_begin() before. */
#define TRY_INSN(insn)              \
    "1: " insn "\n2:\n"             \
    ".pushsection .fixups, \"a\"\n" \
    ".balign 8\n"                   \
    ".quad 1b, 2b\n"                \
    ".popsection\n"

void try_begin(void);
struct fault try_end(void);

/* By idt_dispatch(): true when the faulting instruction was a TRY_INSN(). */
bool try_recover(struct trap_frame *frame);

/* An instruction without operands of the compiler's; it may use RAX, RCX and RDX. */
#define try_insn(text)                                                        \
    ({                                                                        \
        try_begin();                                                          \
        __asm__ volatile(TRY_INSN(text) : : : "rax", "rcx", "rdx", "memory"); \
        try_end();                                                            \
    })

struct fault try_rdmsr(uint32_t index, uint64_t *value);
struct fault try_wrmsr(uint32_t index, uint64_t value);
struct fault try_xsetbv(uint32_t index, uint64_t value);
struct fault try_write_cr0(uint64_t value);
struct fault try_write_cr4(uint64_t value);

static inline bool fault_is(struct fault f, uint8_t vector)
{
    return f.taken && f.vector == vector;
}
