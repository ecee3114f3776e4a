/* SPDX-License-Identifier: MIT */
/*
 * x2apic: the local APIC by its MSRs. EOI, SELF IPI, the deadline and the counters are the
 * hardware's own; ICR, LVT and SVR are filtered by the hypervisor, so writing them costs an exit.
 */
#include "guests/kit/x2apic.h"

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define FEATURE_X2APIC   (UINT32_C(1) << 21) /* CPUID.1:ECX */
#define FEATURE_DEADLINE (UINT32_C(1) << 24)
#define SVR_ENABLE       0x100
#define DIVIDE_BY_1      0xb

/* Of the last x2apic_timer_deadline(), on any core: they are all the same. */
static bool has_deadline;
static uint64_t timer_khz;

static void x2apic_spurious(struct trap_frame *frame)
{
    (void)frame; /* no EOI: SDM "Spurious Interrupt" */
}

void x2apic_enable(void)
{
    uint64_t want = APIC_BASE_ENABLE | APIC_BASE_X2APIC;

    if ((cpuid(1, 0).ecx & FEATURE_X2APIC) == 0 || (rdmsr(MSR_APIC_BASE) & want) != want)
        fatal(1, "the local APIC is not in x2APIC mode");
    irq_handle(VECTOR_SPURIOUS, x2apic_spurious);
    wrmsr(MSR_X2APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
}

uint32_t x2apic_id(void)
{
    return (uint32_t)rdmsr(MSR_X2APIC_ID);
}

void x2apic_eoi(void)
{
    wrmsr(MSR_X2APIC_EOI, 0);
}

void x2apic_send(uint32_t apic_id, uint32_t command)
{
    mfence_lfence();
    wrmsr(MSR_X2APIC_ICR, (uint64_t)apic_id << 32 | command);
}

void x2apic_send_self(uint8_t vector)
{
    wrmsr(MSR_X2APIC_SELF_IPI, vector);
}

bool x2apic_has_deadline(void)
{
    return (cpuid(1, 0).ecx & FEATURE_DEADLINE) != 0;
}

void x2apic_timer_deadline(uint8_t vector)
{
    has_deadline = x2apic_has_deadline();
    if (!has_deadline) {
        timer_khz = x2apic_timer_khz();
        x2apic_timer_count(vector, false, 0);
        return;
    }
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_DEADLINE | vector);
    mfence_lfence(); /* SDM "TSC-Deadline Mode": the mode before the first deadline */
}

/* 1 or more for a deadline that is over: 0 would stop it. */
static uint32_t x2apic_count(uint64_t tsc)
{
    const uint64_t ns = tsc_to_ns(ticks_since(tsc, rdtsc()));

    if (ns > NS_PER_SECOND * 3600) /* times kHz: no overflow below */
        return UINT32_MAX;
    return (uint32_t)min_u64(ns * timer_khz / NS_PER_MS + 1, UINT32_MAX);
}

void x2apic_arm(uint64_t tsc)
{
    if (has_deadline)
        wrmsr(MSR_TSC_DEADLINE, tsc);
    else
        wrmsr(MSR_X2APIC_TIMER_INIT, tsc == 0 ? 0 : x2apic_count(tsc));
}

void x2apic_timer_count(uint8_t vector, bool periodic, uint32_t count)
{
    wrmsr(MSR_X2APIC_TIMER_DIV, DIVIDE_BY_1);
    wrmsr(MSR_X2APIC_LVT_TIMER, (periodic ? LVT_PERIODIC : LVT_ONE_SHOT) | vector);
    wrmsr(MSR_X2APIC_TIMER_INIT, count);
}

void x2apic_timer_off(void)
{
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_MASKED | VECTOR_SPURIOUS);
}

uint64_t x2apic_timer_khz(void)
{
    return cpuid(BULKHEAD_CPUID_TIME, 0).ebx;
}
