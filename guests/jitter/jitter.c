/* SPDX-License-Identifier: MIT */
/*
 * jitter: what a neighbour takes from a core that is somebody else's. For each mode of
 * guests/thrash it reads the TSC in a loop, with interrupts off, then naps by its own timer, and
 * keeps a histogram of the loop's steps and of how late the naps ended. Nothing is printed, and
 * nothing exits, before the last mode is over. Then, for each: `MODE loop` and `MODE nap` with
 * minimum, average, what 99.999 % do not exceed and maximum, in ticks, and the same in ns; and
 * `jitter: done`. Options: slot=MS (kit/slots.h); nap=US (100).
 */
#include "guests/jitter/histogram.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/slots.h"
#include "guests/kit/timing.h"
#include "guests/kit/try.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define VECTOR_NAP    0x41
#define MSR_SMI_COUNT 0x34 /* SDM, "MSR_SMI_COUNT": of this core, since its reset */
#define RARE          100000

static struct histogram loops[SLOT_COUNT], naps[SLOT_COUNT];
static volatile uint64_t woken; /* TSC */

static void jitter_woken(struct trap_frame *frame)
{
    (void)frame;
    woken = tsc_now();
    x2apic_eoi();
}

static void jitter_loop(struct histogram *h, uint64_t end)
{
    uint64_t before = rdtsc();

    while (before < end) {
        const uint64_t now = rdtsc();
        histogram_add(h, now - before);
        before = now;
    }
}

static void jitter_naps(struct histogram *h, uint64_t end, uint64_t nap)
{
    for (uint64_t due = tsc_now() + nap; due < end; due = tsc_now() + nap) {
        woken = 0;
        x2apic_arm(due);
        while (woken == 0)
            irq_wait();
        histogram_add(h, ticks_since(woken, due));
    }
}

static void jitter_print(const char *mode, const char *what, const struct histogram *h)
{
    const uint64_t v[4] = {h->min, h->count == 0 ? 0 : h->sum / h->count,
                           histogram_quantile(h, RARE), h->max};

    print("%s %s %lu: %lu %lu %lu %lu ticks, %lu %lu %lu %lu ns\n", mode, what, h->count, v[0],
          v[1], v[2], v[3], tsc_to_ns(v[0]), tsc_to_ns(v[1]), tsc_to_ns(v[2]), tsc_to_ns(v[3]));
}

/* The number of SMIs, or why there is none. */
static void jitter_smis(uint64_t before)
{
    uint64_t after;

    if (try_rdmsr(MSR_SMI_COUNT, &after).taken)
        print("SMIs: not counted, a guest cannot read that register here\n");
    else
        print("SMIs: %lu\n", after - before);
}

int main(void)
{
    const uint64_t slot = slot_ns();
    const uint64_t nap = ns_to_tsc(option_number("nap", 100) * NS_PER_US);
    uint64_t smis = 0;

    irq_handle(VECTOR_NAP, jitter_woken);
    x2apic_enable();
    x2apic_timer_deadline(VECTOR_NAP);
    (void)try_rdmsr(MSR_SMI_COUNT, &smis);

    /* The first slot of a round, not before a slot from now, so that there is always one sleep;
     * from there on by the TSC. A quarter at either end of a slot is for the neighbour, to end one
     * thing and begin the next. */
    const uint64_t round = SLOT_COUNT * slot;
    const uint64_t now = time_ns();
    const uint64_t start = ((now + slot) / round + 1) * round;
    const uint64_t base = tsc_now() - ns_to_tsc(now);
    sleep_until(start);
    for (uint32_t mode = 0; mode < SLOT_COUNT; mode++) {
        const uint64_t begin = start + mode * slot;
        while (tsc_now() < base + ns_to_tsc(begin + slot / 4))
            cpu_pause();
        jitter_loop(&loops[mode], base + ns_to_tsc(begin + slot / 2));
        jitter_naps(&naps[mode], base + ns_to_tsc(begin + slot * 3 / 4), nap);
    }
    x2apic_timer_off();

    print("count: min avg 99.999%% max, of steps of a loop, and of how late a nap ends\n");
    for (uint32_t mode = 0; mode < SLOT_COUNT; mode++) {
        jitter_print(slot_names[mode], "loop", &loops[mode]);
        jitter_print(slot_names[mode], "nap", &naps[mode]);
    }
    jitter_smis(smis);
    print("jitter: done\n");
    return 0;
}
