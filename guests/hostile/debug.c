/* SPDX-License-Identifier: MIT */
/*
 * debug: debug registers, single-stepping over instructions that exit, and exceptions raised in all
 * the ways there are. #DB is intercepted, so what arrives here went through the hypervisor's hands.
 * SDM "Debug Registers", "Debug Exception (#DB)", "Masking Exceptions and Interrupts When Switching
 * Stacks".
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define DR6_BD   (UINT64_C(1) << 13)
#define DR6_BS   (UINT64_C(1) << 14)
#define DR7_NONE UINT64_C(0x400)
#define DR7_GD   (UINT64_C(1) << 13)
#define LOCAL_0  UINT64_C(1)
/* R/W0 and LEN0 of DR7 */
#define EXECUTE     0
#define WRITE_8     (UINT64_C(0x9) << 16)
#define READWRITE_8 (UINT64_C(0xb) << 16)

#define HYPERVISOR_STACKS UINT64_C(0xffffff0000000000) /* mm/hostmap.h */

static volatile uint32_t traps;
static volatile uint64_t trap_dr6, trap_rip, trap_dr7;
static volatile uint64_t watched;

static void debug_trap(struct trap_frame *frame)
{
    traps++;
    trap_dr6 = read_dr6();
    trap_dr7 = read_dr7();
    trap_rip = frame->rip;
    write_dr6(0xffff0ff0);
    write_dr7(DR7_NONE);
    frame->rflags &= ~RFLAGS_TF;
    frame->rflags |= RFLAGS_RF; /* go on behind an instruction breakpoint */
}

static void debug_arm(uint64_t address, uint64_t dr7)
{
    traps = 0;
    trap_dr6 = 0;
    write_dr6(0xffff0ff0);
    write_dr0(address);
    write_dr7(DR7_NONE | LOCAL_0 | dr7);
}

static void debug_expect(const char *id, uint64_t dr6)
{
    write_dr7(DR7_NONE);
    check(id, traps == 1 && (trap_dr6 & 0xe00f) == dr6, "%u traps, DR6 0x%lx", traps, trap_dr6);
}

static void debug_breakpoints(void)
{
    uint64_t here;

    row("DR-01");
    debug_arm((uint64_t)&watched, WRITE_8);
    watched = 1;
    debug_expect("write", 1);
    debug_arm((uint64_t)&watched, READWRITE_8);
    (void)watched;
    debug_expect("read", 1);
    __asm__ volatile("lea 1f(%%rip), %0" : "=r"(here));
    debug_arm(here, EXECUTE);
    __asm__ volatile("1: nop");
    debug_expect("execute", 1);
    /* CPUID exits, so the hypervisor has been here between arming and the access. */
    debug_arm((uint64_t)&watched, WRITE_8);
    (void)cpuid(0, 0);
    (void)bulkhead_version();
    watched = 2;
    debug_expect("write-after-exits", 1);
    /* GD: any access to a debug register. */
    traps = 0;
    write_dr7(DR7_NONE | DR7_GD);
    (void)read_dr3();
    debug_expect("general-detect", DR6_BD);
    check("general-detect-cleared", !(trap_dr7 & DR7_GD), "DR7 0x%lx in the handler", trap_dr7);
}

static void debug_faults(void)
{
    const uint64_t cr4 = read_cr4();

    row("DR-02");
    try_begin();
    __asm__ volatile(TRY_INSN("mov %0, %%dr7") : : "r"(UINT64_C(1) << 32) : "memory");
    check_fault("dr7-upper", try_end(), VECTOR_GP);
    try_begin();
    __asm__ volatile(TRY_INSN("mov %0, %%dr6") : : "r"(UINT64_C(1) << 63) : "memory");
    check_fault("dr6-upper", try_end(), VECTOR_GP);
    write_cr4(cr4 | CR4_DE);
    check_fault("dr4-with-de", try_insn("mov %%dr4, %%rax"), VECTOR_UD);
    check_fault("dr5-with-de", try_insn("mov %%dr5, %%rax"), VECTOR_UD);
    write_cr4(cr4 & ~CR4_DE);
    check_no_fault("dr4-without-de", try_insn("mov %%dr4, %%rax"));
    write_cr4(cr4);
}

/* Every byte of the hypervisor's main stack that four breakpoints can watch. If one of them fired
 * in the hypervisor, it would panic. */
static void debug_hypervisor(void)
{
    row("DR-03");
    traps = 0;
    for (uint64_t page = 0; page < 16; page++) {
        for (uint64_t below = 0; below < 0x400; below += 32) {
            const uint64_t at = HYPERVISOR_STACKS + (page + 1) * PAGE_SIZE - below - 32;
            write_dr7(DR7_NONE);
            write_dr0(at);
            write_dr1(at + 8);
            write_dr2(at + 16);
            write_dr3(at + 24);
            write_dr7(0xffff06ff); /* all four, global and local, 8 bytes, reading and writing */
            (void)cpuid(0, 0);
            (void)bulkhead_version();
        }
    }
    write_dr7(DR7_NONE);
    write_dr1(0);
    write_dr2(0);
    write_dr3(0);
    check("hypervisor-stacks", traps == 0, "%u traps", traps);
}

/* ---------------------------------------------------------------- one instruction at a time */

/* The trap comes behind the one instruction, whether it exits or not. */
#define STEP(id, setup, insn)                                                             \
    do {                                                                                  \
        uint64_t behind_;                                                                 \
        traps = 0;                                                                        \
        __asm__ volatile("lea 1f(%%rip), %0\n\t"                                          \
                         "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx\n\t" setup \
                         "\n\tpushfq; orq $0x100, (%%rsp); popfq\n\t" insn "\n1: nop"     \
                         : "=&r"(behind_)                                                 \
                         :                                                                \
                         : "rax", "rbx", "rcx", "rdx", "memory", "cc");                   \
        check(id, traps == 1 && trap_rip == behind_ && (trap_dr6 & 0xe00f) == DR6_BS,     \
              "%u traps, at 0x%lx instead of 0x%lx, DR6 0x%lx", traps, trap_rip, behind_, \
              trap_dr6);                                                                  \
    } while (0)

/* The same with the instruction that this processor makes hypercalls with behind `before`. */
#define STEP_CALL(id, setup, before)           \
    do {                                       \
        if (bulkhead_uses_vmmcall)             \
            STEP(id, setup, before "vmmcall"); \
        else                                   \
            STEP(id, setup, before "vmcall");  \
    } while (0)

static void debug_steps(void)
{
    row("DR-05");
    STEP("step-nop", "", "nop");
    STEP("step-cpuid", "", "cpuid");
    STEP_CALL("step-vmcall", "", "");
    STEP("step-in", "", "in $0x80, %%al");
    STEP("step-out", "", "out %%al, $0x80");
    STEP("step-rdmsr", "mov $0x1b, %%ecx", "rdmsr");
    STEP("step-wrmsr", "mov $0x8b, %%ecx", "wrmsr");
    STEP("step-wbinvd", "", "wbinvd");
    STEP("step-cr0", "mov %%cr0, %%rcx", "mov %%rcx, %%cr0");
    STEP("step-cr0-owned", "mov %%cr0, %%rcx; xor $0x20, %%ecx", "mov %%rcx, %%cr0");
    STEP("step-cr0-back", "mov %%cr0, %%rcx; xor $0x20, %%ecx", "mov %%rcx, %%cr0");
    /* MOV SS and STI hold a trap back until the next instruction is done; here that one exits. */
    STEP("step-mov-ss-cpuid", "mov %%ss, %%ecx", "mov %%ecx, %%ss; cpuid");
    STEP_CALL("step-mov-ss-vmcall", "mov %%ss, %%ecx", "mov %%ecx, %%ss; ");
}

static volatile uint32_t raised[32];
static volatile uint64_t raised_rip;

static void debug_raised(struct trap_frame *frame)
{
    raised[frame->vector]++;
    raised_rip = frame->rip;
    frame->rflags &= ~RFLAGS_TF;
}

static void debug_instruction(const char *id, uint32_t vector, uint32_t times, uint64_t behind)
{
    check(id, raised[vector] == times && raised_rip == behind, "%u times, RIP 0x%lx, not 0x%lx",
          raised[vector], raised_rip, behind);
    raised[vector] = 0;
}

#define RAISE(id, vector, insn)                                  \
    do {                                                         \
        uint64_t behind_;                                        \
        __asm__ volatile("lea 1f(%%rip), %0\n\t" insn "\n1: nop" \
                         : "=&r"(behind_)                        \
                         :                                       \
                         : "rcx", "memory", "cc");               \
        debug_instruction(id, vector, 1, behind_);               \
    } while (0)

/* INT1 and INT3 are traps: RIP is behind them. INT n of an exception has its vector, no code. */
static void debug_raises(void)
{
    irq_handle(VECTOR_DB, debug_raised);
    irq_handle(VECTOR_BP, debug_raised);
    row("DR-05");
    RAISE("int1", VECTOR_DB, ".byte 0xf1");
    RAISE("int3", VECTOR_BP, "int3");
    RAISE("int-1", VECTOR_DB, "int $1");
    RAISE("int1-behind-mov-ss", VECTOR_DB, "mov %%ss, %%ecx; mov %%ecx, %%ss; .byte 0xf1");
    RAISE("int3-behind-mov-ss", VECTOR_BP, "mov %%ss, %%ecx; mov %%ecx, %%ss; int3");
    irq_handle(VECTOR_BP, NULL);
}

void hostile_debug(void)
{
    irq_handle(VECTOR_DB, debug_trap);
    debug_breakpoints();
    debug_faults();
    debug_hypervisor();
    debug_steps();
    debug_raises();
    irq_handle(VECTOR_DB, NULL);
    write_dr0(0);
}
