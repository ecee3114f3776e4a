/* SPDX-License-Identifier: MIT */
/*
 * clock: ticks by the PV timer, sleeping in HLT between them, and measures how far each is off by
 * the other clock there is, the TSC.
 * Options: tick=MS (1000) from one tick to the next, seconds=N (5) for how long, limit=US (none): a
 * worse drift powers off with code 1. Where the machine's time is the host's, as in QEMU, any pause
 * of the host is a drift.
 */
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"

#define VECTOR_TICK 0x40
#define START_TRIES 8

static volatile bool ticked;
static volatile uint64_t ticked_at; /* TSC */

static void clock_tick(struct trap_frame *frame)
{
    (void)frame;
    ticked_at = tsc_now();
    ticked = true;
}

/* One tick; how late it was, in ns. */
static int64_t clock_wait(uint64_t start_ns, uint64_t start_tsc, uint64_t after)
{
    ticked = false;
    timer_set(start_ns + after, VECTOR_TICK);
    while (!ticked)
        irq_wait();
    return (int64_t)(tsc_to_ns(ticked_at - start_tsc) - after);
}

static uint64_t magnitude(int64_t v)
{
    return v < 0 ? (uint64_t)-v : (uint64_t)v;
}

/* Both clocks at one moment: the pair of readings that took the shortest. */
static void clock_start(uint64_t *start_ns, uint64_t *start_tsc)
{
    uint64_t shortest = UINT64_MAX;

    for (int i = 0; i < START_TRIES; i++) {
        uint64_t tsc = tsc_now();
        uint64_t ns = time_ns();
        uint64_t took = tsc_now() - tsc;

        if (took < shortest) {
            shortest = took;
            *start_ns = ns;
            *start_tsc = tsc;
        }
    }
}

int main(void)
{
    uint64_t tick = max_u64(option_number("tick", 1000), 1);
    uint64_t ticks = option_number("seconds", 5) * 1000 / tick;
    uint64_t limit_us = option_number("limit", UINT64_MAX);
    uint64_t worst = 0, start_ns = 0, start_tsc = 0;

    irq_handle(VECTOR_TICK, clock_tick);
    clock_start(&start_ns, &start_tsc);

    for (uint64_t n = 1; n <= ticks; n++) {
        uint64_t after = n * tick * NS_PER_MS;
        int64_t drift = clock_wait(start_ns, start_tsc, after);
        uint64_t us = (after + (uint64_t)drift) / NS_PER_US;

        print("tick %lu at %lu.%06lu s, drift %c%lu us\n", n, us / 1000000, us % 1000000,
              drift < 0 ? '-' : '+', magnitude(drift) / NS_PER_US);
        worst = max_u64(worst, magnitude(drift));
    }
    print("%lu ticks, worst drift %lu us\n", ticks, worst / NS_PER_US);
    return worst / NS_PER_US <= limit_us ? 0 : 1;
}
