/* SPDX-License-Identifier: MIT */
/*
 * lapic_timer: arms the APIC's timer by a deadline or by a count. Keeps no state, reads the count
 * only while it measures.
 */
#include "drivers/lapic_timer.h"

#include "drivers/lapic.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define LVT_TSC_DEADLINE BIT32(18) /* one-shot mode is 0 */

#define DIVIDE_BY_1 0xbu
#define DIVIDE_BY_2 0u /* after reset */

#define ROUNDS   3
#define ROUND_NS (10 * NS_PER_MS)
#define LOOKS    8

/* A count and when it was read. */
struct sight {
    uint32_t count;
    uint64_t tsc;
};

/* Of a few looks the quickest: an interruption of the machine's makes the others slow. */
static struct sight lapic_timer_look(void)
{
    struct sight best = {0};
    uint64_t quickest = UINT64_MAX;

    for (uint32_t i = 0; i < LOOKS; i++) {
        const uint64_t before = rdtsc();
        const uint32_t count = (uint32_t)rdmsr(MSR_X2APIC_TIMER_NOW);
        const uint64_t took = ticks_since(rdtsc(), before);

        if (took < quickest) {
            quickest = took;
            best = (struct sight){count, before + took / 2};
        }
    }
    return best;
}

/* Counts a second; 0 when it does not count as it should. */
static uint64_t lapic_timer_measure(const struct tsc *tsc)
{
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_OFF);
    wrmsr(MSR_X2APIC_TIMER_DIV, DIVIDE_BY_1);
    wrmsr(MSR_X2APIC_TIMER_INIT, UINT32_MAX);
    const struct sight begin = lapic_timer_look();
    tsc_delay_us(tsc, ROUND_NS / NS_PER_US);
    const struct sight end = lapic_timer_look();
    wrmsr(MSR_X2APIC_TIMER_INIT, 0);
    wrmsr(MSR_X2APIC_TIMER_DIV, DIVIDE_BY_2);

    const uint64_t ns = time_to_ns(&tsc->scale, ticks_since(end.tsc, begin.tsc));
    if (end.count == 0 || end.count >= begin.count || ns == 0)
        return 0;
    const uint64_t hz = (begin.count - end.count) * NS_PER_SECOND / ns; /* 32 + 30 bits */
    return hz < TIME_HZ_MIN || hz > TIME_HZ_MAX ? 0 : hz;
}

void lapic_timer_init(struct lapic_timer *timer, const struct tsc *tsc)
{
    uint64_t hz[ROUNDS];

    for (uint32_t i = 0; i < ROUNDS; i++)
        hz[i] = lapic_timer_measure(tsc);
    const uint64_t low = min_u64(hz[0], hz[1]), high = max_u64(hz[0], hz[1]);
    *timer = (struct lapic_timer){
        .hz = max_u64(low, min_u64(high, hz[2])), /* the one in the middle */
        .has_deadline = (cpuid(1, 0).ecx & FEATURES_TSC_DEADLINE) != 0,
        .ticks = tsc->scale,
    };
    if (timer->hz != 0)
        timer->counts = time_scale_make(timer->hz);
}

bool lapic_timer_works(const struct lapic_timer *timer)
{
    return timer->has_deadline || timer->hz != 0;
}

/* 1 or more: 0 would stop it. */
static uint32_t lapic_timer_count(const struct lapic_timer *timer, uint64_t ticks)
{
    const uint64_t count = time_to_ticks(&timer->counts, time_to_ns(&timer->ticks, ticks));

    return (uint32_t)max_u64(1, min_u64(count, UINT32_MAX));
}

void lapic_timer_arm(const struct lapic_timer *timer, uint8_t vector, uint64_t deadline)
{
    if (timer->has_deadline) {
        wrmsr(MSR_X2APIC_LVT_TIMER, LVT_TSC_DEADLINE | vector);
        mfence_lfence(); /* SDM "TSC-Deadline Mode": the mode before the deadline */
        wrmsr(MSR_TSC_DEADLINE, deadline);
        return;
    }
    wrmsr(MSR_X2APIC_TIMER_DIV, DIVIDE_BY_1);
    wrmsr(MSR_X2APIC_LVT_TIMER, vector);
    wrmsr(MSR_X2APIC_TIMER_INIT, lapic_timer_count(timer, ticks_since(deadline, rdtsc())));
}

/* What a guest writes and reads itself is as after a reset again: a vCPU that waits for its SIPI
 * waits by this timer. */
void lapic_timer_disarm(const struct lapic_timer *timer)
{
    if (timer->has_deadline) {
        wrmsr(MSR_TSC_DEADLINE, 0);
    } else {
        wrmsr(MSR_X2APIC_TIMER_INIT, 0);
        wrmsr(MSR_X2APIC_TIMER_DIV, DIVIDE_BY_2);
    }
    wrmsr(MSR_X2APIC_LVT_TIMER, LVT_OFF);
}
