/* SPDX-License-Identifier: MIT */
/*
 * main: what the interface costs, seen by a guest: the median of many samples, in ticks of the
 * TSC, without what measuring nothing costs. One row each:
 *     bench NAME TICKS
 * On an emulator whose TSC counts instructions these are instructions, on silicon reference
 * cycles; with several cores an emulator's TSC counts the work of all, so run it on one.
 * Options: samples=N (1000); nothing but that: restart, link=send, link=take.
 */
#include "guests/bench/bench.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"

#define SAMPLES         1000 /* at most; option samples=N */
#define CONSOLE_SAMPLES 100  /* the console has to keep up */
#define MEMORY_SAMPLES  10
#define NEEDED_FOR_64M  (UINT64_C(80) << 20)

static uint64_t samples[SAMPLES];
static uint32_t sample_count;

uint64_t bench_median(bench_sample *sample, uint32_t count)
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
    uint64_t nothing = bench_median(bench_nothing, sample_count);
    uint64_t ticks = bench_median(sample, count);

    ticks = ticks > nothing ? ticks - nothing : 0;
    print("bench %-16s %8lu\n", name, (ticks + repeat / 2) / repeat);
}

static void bench_ten(const char *name, bench_sample *sample)
{
    bench_row(name, sample, sample_count, BENCH_REPEAT);
}

static void bench_once(const char *name, bench_sample *sample)
{
    bench_row(name, sample, sample_count, 1);
}

static void bench_exits(void)
{
    bench_ten("cpuid_0", bench_cpuid_0);
    bench_ten("cpuid_hypervisor", bench_cpuid_hypervisor);
    bench_ten("cpuid_last", bench_cpuid_last);
    bench_ten("call_unknown", bench_call_unknown);
    bench_ten("call_version", bench_call_version);
    bench_ten("call_time", bench_call_time);
    bench_row("console_1", bench_console_1, CONSOLE_SAMPLES, 1);
    bench_row("console_48", bench_console_48, CONSOLE_SAMPLES, 1);
    bench_ten("rdmsr", bench_rdmsr);
    bench_ten("wrmsr", bench_wrmsr);
    bench_ten("fault", bench_fault);
    bench_ten("rdmsr_refused", bench_rdmsr_refused);
    bench_ten("wrmsr_refused", bench_wrmsr_refused);
    if (bench_xsetbv_begin())
        bench_ten("xsetbv", bench_xsetbv);
    bench_ten("out_uart", bench_out_uart);
    bench_row("uart_byte", bench_uart_byte, CONSOLE_SAMPLES, 1);
    bench_ten("out_closed", bench_out_closed);
    bench_ten("in_closed", bench_in_closed);
}

/* What needs no hypervisor. */
static void bench_memory(void)
{
    bench_once("first_touch", bench_first_touch);
    if (memory_size() < NEEDED_FOR_64M)
        return;
    bench_row("touch_64m", bench_touch_64m, MEMORY_SAMPLES, 1);
    bench_row("walk_16m", bench_walk_16m, MEMORY_SAMPLES, 1);
}

static void bench_interrupts(void)
{
    bench_interrupts_begin();
    bench_ten("deadline_arm", bench_arm);
    bench_once("timer_tick", bench_timer_tick);
    bench_once("ipi_icr_self", bench_ipi_icr);
    bench_once("ipi_self", bench_ipi_self);
    bench_ten("timer_set", bench_timer_set);
    bench_ten("timer_cancel", bench_timer_cancel);
    bench_once("pv_spin", bench_pv_spin);
    bench_once("pv_hlt", bench_pv_hlt);
    if (bench_sibling_begin()) {
        bench_once("ipi_sibling", bench_ipi_sibling);
        bench_once("nmi_sibling", bench_nmi_sibling);
    }
    bench_interrupts_end();
}

int main(void)
{
    const uint64_t wanted = option_number("samples", SAMPLES);

    if (option_set("restart")) /* what that costs, a test build of the hypervisor tells */
        bulkhead_restart();
    sample_count = wanted != 0 && wanted < SAMPLES ? (uint32_t)wanted : SAMPLES;
    if (option_is("link", "send")) {
        links_send();
        return 0;
    }
    if (option_is("link", "take")) {
        links_take(sample_count);
        return 0;
    }
    bench_begin();
    bench_exits();
    bench_memory();
    bench_interrupts();
    return 0;
}
