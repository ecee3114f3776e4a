/* SPDX-License-Identifier: MIT */
/*
 * main: what the interface costs, seen by a guest: the median of many samples, in ticks of the
 * TSC, without what measuring nothing costs. One row each:
 *     bench NAME TICKS
 * On an emulator whose TSC counts instructions these are instructions, on silicon reference
 * cycles; with several cores an emulator's TSC counts the work of all, so run it on one.
 */
#include "guests/bench/bench.h"
#include "guests/kit/kit.h"

#define SAMPLES         1000
#define CONSOLE_SAMPLES 20 /* each is a line on the console */

static uint64_t samples[SAMPLES];

static uint64_t bench_median(bench_sample *sample, uint32_t count)
{
    sample(); /* warms up, and may be the first touch of something */
    for (uint32_t i = 0; i < count; i++) {
        uint64_t ticks = sample();
        uint32_t at = i;
        for (; at > 0 && samples[at - 1] > ticks; at--)
            samples[at] = samples[at - 1];
        samples[at] = ticks;
    }
    return samples[count / 2];
}

static void bench_row(const char *name, bench_sample *sample, uint32_t count, uint64_t repeat)
{
    uint64_t nothing = bench_median(bench_nothing, SAMPLES);
    uint64_t ticks = bench_median(sample, count);

    ticks = ticks > nothing ? ticks - nothing : 0;
    print("bench %-16s %8lu\n", name, (ticks + repeat / 2) / repeat);
}

static void bench_ten(const char *name, bench_sample *sample)
{
    bench_row(name, sample, SAMPLES, BENCH_REPEAT);
}

static void bench_once(const char *name, bench_sample *sample)
{
    bench_row(name, sample, SAMPLES, 1);
}

int main(void)
{
    bench_begin();
    bench_ten("cpuid_0", bench_cpuid_0);
    bench_ten("cpuid_hypervisor", bench_cpuid_hypervisor);
    bench_ten("call_unknown", bench_call_unknown);
    bench_ten("call_version", bench_call_version);
    bench_ten("call_time", bench_call_time);
    bench_ten("call_timer", bench_call_timer);
    bench_row("console_48", bench_console, CONSOLE_SAMPLES, 1);
    bench_ten("rdmsr", bench_rdmsr);
    bench_ten("wrmsr", bench_wrmsr);
    if (bench_xsetbv_begin())
        bench_ten("xsetbv", bench_xsetbv);
    bench_ten("out_uart", bench_out_uart);
    bench_ten("out_closed", bench_out_closed);
    bench_ten("in_closed", bench_in_closed);
    bench_once("first_touch", bench_first_touch);

    bench_interrupts_begin();
    bench_ten("deadline_arm", bench_arm);
    bench_once("timer_tick", bench_timer_tick);
    bench_once("ipi_icr_self", bench_ipi_icr);
    bench_once("ipi_self", bench_ipi_self);
    bench_interrupts_end();
    return 0;
}
