/* SPDX-License-Identifier: MIT */
/*
 * ring3: what a guest's user programs must not be able to do. Needs a TSS, for the stack that an
 * exception at CPL 3 switches to. SDM "64-Bit Task State Segment".
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/task.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define VECTOR_LEAVE 0x80
#define STACK_SIZE   4096

/* registers.asm */
extern uint64_t ring3_stack0;
uint64_t ring3_enter(uint64_t (*fn)(void), void *stack_top);
void ring3_leave(void);

uint64_t ring3_stack0; /* where ring3_enter() left the stack of CPL 0 */

static ALIGNED(16) uint8_t user_stack[STACK_SIZE];
static ALIGNED(16) uint8_t fault_stack[STACK_SIZE]; /* of exceptions at CPL 3 */

void ring3_init(void)
{
    task_user_stack(&fault_stack[STACK_SIZE]);
    idt_set_gate(VECTOR_LEAVE, ring3_leave, 3);
}

uint64_t ring3_run(uint64_t (*fn)(void))
{
    return ring3_enter(fn, &user_stack[STACK_SIZE]);
}

/* ---------------------------------------------------------------- at CPL 3 */

static uint32_t call_number; /* of user_call() */
static uint32_t cpuid_at_3[4];
static const char *first_wrong;

static uint64_t user_call(void)
{
    return (uint64_t)bulkhead_call2(call_number, 1, 0x40);
}

static uint64_t user_cpuid(void)
{
    bulkhead_cpuid(BULKHEAD_CPUID_BASE, cpuid_at_3);
    return 0;
}

static uint64_t user_undefined(void)
{
    return hostile_all_undefined(&first_wrong, true);
}

static uint64_t user_rdmsr(void)
{
    uint64_t value;
    struct fault f = try_rdmsr(0x1b, &value);
    return fault_is(f, VECTOR_GP);
}

static uint64_t user_wrmsr(void)
{
    return fault_is(try_wrmsr(0x830, 0), VECTOR_GP);
}

static uint64_t user_in(void)
{
    return fault_is(try_insn("inb $0x80, %%al"), VECTOR_GP);
}

static uint64_t user_flush(void)
{
    return fault_is(try_insn("invd"), VECTOR_GP) && fault_is(try_insn("wbinvd"), VECTOR_GP);
}

static uint64_t user_xsetbv(void)
{
    return fault_is(try_xsetbv(0, 1), VECTOR_GP);
}

/* At CPL 3: how many of the five that UMIP is about work. */
static uint64_t user_tables(void)
{
    static uint8_t store[16];
    uint64_t works = 0;

    works += !try_insn("sldt %%ax").taken;
    works += !try_insn("str %%ax").taken;
    works += !try_insn("smsw %%ax").taken;
    try_begin();
    __asm__ volatile(TRY_INSN("sgdt %0") : "=m"(store) : : "memory");
    works += !try_end().taken;
    try_begin();
    __asm__ volatile(TRY_INSN("sidt %0") : "=m"(store) : : "memory");
    works += !try_end().taken;
    return works;
}

static uint64_t user_halt(void)
{
    return fault_is(try_insn("hlt"), VECTOR_GP);
}

/* ---------------------------------------------------------------- at CPL 0 */

static void ring3_calls(void)
{
    static const char *const ids[] = {
        "ring3-call-version", "ring3-call-write",     "ring3-call-read",    "ring3-call-time",
        "ring3-call-timer",   "ring3-call-power-off", "ring3-call-restart", "ring3-call-watchdog",
        "ring3-call-crash",   "ring3-link-info",      "ring3-link-ring",    "ring3-link-vector",
    };
    _Static_assert(ARRAY_SIZE(ids) == BULKHEAD_CALL_COUNT, "each call has an id");

    row("HC-02");
    for (uint32_t i = 0; i < BULKHEAD_CALL_COUNT; i++) {
        call_number = BULKHEAD_CALL_BASE + i;
        check_equal(ids[i], ring3_run(user_call), (uint64_t)BULKHEAD_ERROR_DENIED);
    }
    call_number = BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT;
    check_equal("ring3-call-unknown", ring3_run(user_call), (uint64_t)BULKHEAD_ERROR_DENIED);
}

/* SDM "User-Mode Instruction Prevention": #GP at CPL 3 while CR4.UMIP is set, all work without. */
static void ring3_tables(void)
{
    struct PACKED {
        uint16_t limit;
        uint64_t base;
    } before, odd;

    row("PI-19");
    check_equal("ring3-tables", ring3_run(user_tables), 5);
    if (!try_write_cr4(read_cr4() | CR4_UMIP).taken) {
        check_equal("ring3-tables-umip", ring3_run(user_tables), 0);
        write_cr4(read_cr4() & ~CR4_UMIP);
    }
    __asm__ volatile("sgdt %0" : "=m"(before));
    odd = before;
    odd.limit = 0xffff;
    __asm__ volatile("lgdt %0" : : "m"(odd));
    cpuid(0, 0); /* out and in again with it */
    struct PACKED {
        uint16_t limit;
        uint64_t base;
    } now;
    __asm__ volatile("sgdt %0" : "=m"(now));
    __asm__ volatile("lgdt %0" : : "m"(before));
    check("gdt-limit", now.limit == 0xffff && now.base == before.base, "0x%x", now.limit);
}

void hostile_ring3(void)
{
    uint32_t at_0[4];

    ring3_init();
    ring3_calls();

    row("PI-01");
    bulkhead_cpuid(BULKHEAD_CPUID_BASE, at_0);
    ring3_run(user_cpuid);
    check("ring3-cpuid",
          at_0[0] == cpuid_at_3[0] && at_0[1] == cpuid_at_3[1] && at_0[2] == cpuid_at_3[2] &&
              at_0[3] == cpuid_at_3[3],
          "other answer than at CPL 0");
    row("PI-08");
    uint64_t ok = ring3_run(user_undefined);
    check("ring3-undefined", ok != 0, "%s is not #UD", first_wrong);
    row("PI-03");
    check("ring3-invd", ring3_run(user_flush) != 0, "no #GP");
    row("PI-07");
    write_cr4(read_cr4() | CR4_OSXSAVE);
    check("ring3-xsetbv", ring3_run(user_xsetbv) != 0, "no #GP");
    write_cr4(read_cr4() & ~CR4_OSXSAVE);
    ring3_tables();
    row("MS-03");
    check("ring3-rdmsr", ring3_run(user_rdmsr) != 0, "no #GP");
    check("ring3-wrmsr", ring3_run(user_wrmsr) != 0, "no #GP");
    row("IO-16");
    check("ring3-in", ring3_run(user_in) != 0, "no #GP");
    row("ABI");
    check("ring3-hlt", ring3_run(user_halt) != 0, "no #GP");
}
