/* SPDX-License-Identifier: MIT */
/*
 * timing: clocks and waiting. Nothing is calibrated: CPUID names the rate of the TSC.
 */
#include "guests/kit/timing.h"

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "lib/x86/insn.h"

#define LEAF_TSC 0x15 /* EAX = denominator, EBX = numerator, ECX = crystal Hz */

static uint64_t khz;
static struct time_scale scale;

static void timing_woken(struct trap_frame *frame)
{
    (void)frame; /* ending the HLT was all; no EOI for the PV timer */
}

void timing_init(void)
{
    khz = cpuid(BULKHEAD_CPUID_TIME, 0).eax;
    if (khz == 0) {
        struct cpuid_regs r = cpuid(LEAF_TSC, 0);
        khz = r.eax == 0 ? 0 : (uint64_t)r.ecx * r.ebx / r.eax / 1000;
    }
    if (khz < TIME_HZ_MIN / 1000 || khz > TIME_HZ_MAX / 1000)
        khz = 1000000; /* unknown; wrong times are better here than no words */
    scale = time_scale_make(khz * 1000);
    irq_handle(VECTOR_SLEEP, timing_woken);
}

uint64_t time_ns(void)
{
    count_call();
    return bulkhead_time();
}

uint64_t tsc_khz(void)
{
    return khz;
}

uint64_t tsc_to_ns(uint64_t ticks)
{
    return time_to_ns(&scale, ticks);
}

uint64_t ns_to_tsc(uint64_t ns)
{
    return time_to_ticks(&scale, ns);
}

void timer_set(uint64_t deadline_ns, uint8_t vector)
{
    count_call();
    int64_t result = bulkhead_timer_set(deadline_ns, vector);
    if (result != BULKHEAD_OK)
        fatal(1, "the PV timer refused vector %u: %ld", vector, result);
}

void sleep_until(uint64_t deadline_ns)
{
    uint64_t flags = irq_save();

    while (time_ns() < deadline_ns) {
        timer_set(deadline_ns, VECTOR_SLEEP);
        irq_wait();
    }
    irq_restore(flags);
}

void sleep_for(uint64_t ns)
{
    sleep_until(time_ns() + ns);
}

void spin_for(uint64_t ns)
{
    uint64_t start = rdtsc();
    uint64_t ticks = ns_to_tsc(ns);

    while (rdtsc() - start < ticks)
        cpu_pause();
}
