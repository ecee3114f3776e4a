/* SPDX-License-Identifier: MIT */
/*
 * operations: what is measured. Ten times in a straight line, because the counter of an emulator
 * may be a few ticks off; loading the registers is part of each.
 */
#include "guests/bench/bench.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/timing.h"
#include "guests/kit/try.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define PORT_SCRATCH  0x3ff /* of the virtual UART */
#define CPUID_LAST    UINT32_C(0x80000008)
#define MSR_CLOSED    0x10b /* IA32_FLUSH_CMD: no guest has it */
#define PORT_CLOSED   0x80
#define FAR_FUTURE_NS UINT64_C(1000000000000)
#define XSAVE         (UINT32_C(1) << 26) /* CPUID.1:ECX */

#define BENCH(name, operation)      \
    uint64_t bench_##name(void)     \
    {                               \
        uint64_t start = tsc_now(); \
        BENCH_TEN(operation)        \
        return tsc_now() - start;   \
    }

/* Written back as they were read. */
static uint64_t apic_base, xcr0;

static uint64_t ignored;

void bench_begin(void)
{
    apic_base = rdmsr(MSR_APIC_BASE);
}

bool bench_xsetbv_begin(void)
{
    uint32_t lo, hi;

    if ((cpuid(1, 0).ecx & XSAVE) == 0)
        return false;
    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    xcr0 = (uint64_t)hi << 32 | lo;
    return true;
}

BENCH(nothing, )
BENCH(cpuid_0, cpuid(0, 0);)
BENCH(cpuid_hypervisor, cpuid(BULKHEAD_CPUID_BASE, 0);)
BENCH(cpuid_last, cpuid(CPUID_LAST, 0);)
BENCH(call_unknown, bulkhead_call2(BULKHEAD_CALL_BASE + BULKHEAD_CALL_COUNT, 0, 0);)
BENCH(call_version, bulkhead_call2(BULKHEAD_CALL_VERSION, 0, 0);)
BENCH(call_time, bulkhead_call2(BULKHEAD_CALL_TIME, 0, 0);)
BENCH(timer_cancel, bulkhead_call2(BULKHEAD_CALL_TIMER_SET, 0, VECTOR_SLEEP);)
BENCH(timer_set, bulkhead_call2(BULKHEAD_CALL_TIMER_SET, FAR_FUTURE_NS, VECTOR_SLEEP);)
BENCH(rdmsr, (void)rdmsr(MSR_APIC_BASE);)
BENCH(wrmsr, wrmsr(MSR_APIC_BASE, apic_base);)
/* With the #GP, the handler of guests/kit that skips the instruction, and its IRET: as much as
 * an UD2, which does not exit. */
BENCH(rdmsr_refused, (void)try_rdmsr(MSR_CLOSED, &ignored);)
BENCH(wrmsr_refused, (void)try_wrmsr(MSR_CLOSED, 0);)
BENCH(fault, (void)try_insn("ud2");)
BENCH(xsetbv, xsetbv(0, xcr0);)
BENCH(out_uart, out8(PORT_SCRATCH, 0);)
BENCH(out_closed, out8(PORT_CLOSED, 0);)
BENCH(in_closed, (void)in8(PORT_CLOSED);)
BENCH(arm, wrmsr(MSR_TSC_DEADLINE, UINT64_MAX);)
