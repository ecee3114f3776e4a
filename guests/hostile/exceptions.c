/* SPDX-License-Identifier: MIT */
/*
 * exceptions: those that are the guest's own, in loops and at bad places; and what INT n makes of
 * their vectors.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define STORM 50000

static void exceptions_storm(void)
{
    uint64_t value;
    uint32_t missed = 0;

    row("EX-06");
    for (uint32_t i = 0; i < STORM; i++) {
        missed += !fault_is(try_rdmsr(MSR_MCG_STATUS, &value), VECTOR_GP);
        missed += !fault_is(try_insn("vmxoff"), VECTOR_UD);
    }
    check("storm", missed == 0, "%u of %u did not come", missed, 2 * STORM);
}

/* ---------------------------------------------------------------- the x87 and SSE */

static void exceptions_fpu(void)
{
    const uint64_t cr0 = read_cr0(), cr4 = read_cr4();

    row("EX-07");
    write_cr0(cr0 | CR0_EM);
    check_fault("x87-em", try_insn("fldz"), VECTOR_NM);
    check_fault("sse-em", try_insn("xorps %%xmm0, %%xmm0"), VECTOR_UD);
    write_cr0((cr0 | CR0_TS | CR0_MP) & ~CR0_EM);
    write_cr4(cr4 | CR4_OSFXSR);
    check_fault("x87-ts", try_insn("fldz"), VECTOR_NM);
    check_fault("wait-ts-mp", try_insn("fwait"), VECTOR_NM);
    check_fault("sse-ts", try_insn("xorps %%xmm0, %%xmm0"), VECTOR_NM);
    write_cr0(cr0 & ~(CR0_TS | CR0_EM));
    check_no_fault("sse", try_insn("xorps %%xmm0, %%xmm0"));
    write_cr4(cr4 & ~(CR4_OSFXSR | CR4_OSXSAVE));
    check_fault("sse-off", try_insn("xorps %%xmm0, %%xmm0"), VECTOR_UD);
    check_fault("avx-off", try_insn("vxorps %%ymm0, %%ymm0, %%ymm0"), VECTOR_UD);
    write_cr4(cr4);
}

/* An unmasked x87 fault is #MF also where the guest thinks that CR0.NE is off, which on a PC would
 * be an interrupt of the chipset's. */
static void exceptions_x87(const char *id, uint64_t cr0)
{
    const uint64_t before = read_cr0();
    uint16_t control = 0x37b; /* zero-divide is not masked */

    write_cr0(cr0);
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp" : : "m"(control));
    try_begin();
    __asm__ volatile(TRY_INSN("fwait") : : : "memory");
    struct fault f = try_end();
    __asm__ volatile("fnclex; fninit");
    write_cr0(before);
    check(id, fault_is(f, VECTOR_MF), "exception %u, taken %d", f.vector, f.taken);
}

/* ---------------------------------------------------------------- bad places to go */

static void exceptions_transfers(void)
{
    const uint64_t bad = UINT64_C(0x800000000000);
    uint64_t rsp;

    row("EX-08");
    __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
    if (can_try("iret-not-canonical")) {
        try_begin();
        __asm__ volatile(
            "push $0x10; push %0; pushfq; push $8; push %1\n" TRY_INSN("iretq") "add $40, %%rsp"
            :
            : "r"(rsp), "r"(bad)
            : "memory", "cc");
        check_fault("iret-not-canonical", try_end(), VECTOR_GP);
    }
    try_begin();
    __asm__ volatile(
        "push $0x10; push %0; pushfq; push $0; push %0\n" TRY_INSN("iretq") "add $40, %%rsp"
        :
        : "r"(rsp)
        : "memory", "cc");
    check_fault("iret-null-cs", try_end(), VECTOR_GP);
    try_begin();
    __asm__ volatile("push $0x40; push %0\n" TRY_INSN("lretq") "add $16, %%rsp"
                     :
                     : "r"(rsp)
                     : "memory", "cc");
    struct fault f = try_end();
    check("far-return-beyond-gdt", f.taken && f.vector == VECTOR_GP, "%d", f.vector);
    if (can_try("jump-not-canonical")) {
        try_begin();
        __asm__ volatile(TRY_INSN("jmp *%0") : : "r"(bad) : "memory");
        f = try_end();
        check("jump-not-canonical", fault_is(f, VECTOR_GP), "taken %d", f.taken);
    }
    try_begin();
    __asm__ volatile(TRY_INSN("movb $0, (%0)") : : "r"(bad) : "memory");
    check_fault("write-not-canonical", try_end(), VECTOR_GP);
}

/* ---------------------------------------------------------------- INT n */

extern void raise_entry(void); /* registers.asm: for any vector, no error code expected */
extern volatile uint64_t raise_count;

#define RAISE_1(n) __asm__ volatile("int %0" : : "i"(n) : "memory")

static void exceptions_raised(void)
{
    row("EX-11");
    for (unsigned v = 0; v < 32; v++)
        idt_set_gate((uint8_t)v, raise_entry, 0);
    raise_count = 0;
    RAISE_1(0);
    RAISE_1(4);
    RAISE_1(6);
    RAISE_1(8);
    RAISE_1(10);
    RAISE_1(11);
    RAISE_1(12);
    RAISE_1(13);
    RAISE_1(14);
    RAISE_1(17);
    RAISE_1(18);
    RAISE_1(19);
    RAISE_1(20);
    RAISE_1(21);
    RAISE_1(22);
    RAISE_1(23);
    RAISE_1(24);
    RAISE_1(25);
    RAISE_1(26);
    RAISE_1(27);
    RAISE_1(28);
    RAISE_1(29);
    RAISE_1(30);
    RAISE_1(31);
    RAISE_1(2);
    const uint64_t came = raise_count;
    idt_init();
    check_equal("int-n", came, 25);
}

void hostile_exceptions(void)
{
    const uint64_t cr0 = read_cr0();

    exceptions_storm();
    exceptions_fpu();
    exceptions_x87("x87-fault", cr0);
    exceptions_x87("x87-fault-without-ne", cr0 & ~CR0_NE);
    exceptions_transfers();
    exceptions_raised();
}
