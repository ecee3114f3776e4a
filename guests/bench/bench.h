/* SPDX-License-Identifier: MIT */
/*
 * bench: the shape of a measurement. A sample function does its operation BENCH_REPEAT times in a
 * straight line and returns the TSC ticks that went by.
 */
#pragma once

#include "lib/types.h"

#define BENCH_REPEAT 10
#define BENCH_TEN(x) x x x x x x x x x x

typedef uint64_t bench_sample(void);

/* main.c: of `count` samples, at most 1000 */
uint64_t bench_median(bench_sample *sample, uint32_t count);

/* operations.c: exits and hypercalls */
void bench_begin(void);       /* before all */
uint64_t bench_nothing(void); /* what the measuring itself costs */
uint64_t bench_cpuid_0(void);
uint64_t bench_cpuid_hypervisor(void);
uint64_t bench_cpuid_last(void);
uint64_t bench_call_unknown(void);
uint64_t bench_call_version(void);
uint64_t bench_call_time(void);
uint64_t bench_timer_set(void);
uint64_t bench_timer_cancel(void);
uint64_t bench_rdmsr(void);
uint64_t bench_wrmsr(void);
uint64_t bench_rdmsr_refused(void);
uint64_t bench_wrmsr_refused(void);
uint64_t bench_fault(void); /* what a #GP and its handler cost without an exit */
uint64_t bench_xsetbv(void);
uint64_t bench_out_uart(void);
uint64_t bench_out_closed(void);
uint64_t bench_in_closed(void);
uint64_t bench_arm(void);
bool bench_xsetbv_begin(void); /* false: this machine has no XSAVE */

/* Once per call, not BENCH_REPEAT times. */
uint64_t bench_console_1(void);
uint64_t bench_console_48(void);
uint64_t bench_uart_byte(void);
uint64_t bench_timer_tick(void);
uint64_t bench_ipi_icr(void);
uint64_t bench_ipi_self(void);
uint64_t bench_pv_spin(void);
uint64_t bench_pv_hlt(void);
uint64_t bench_ipi_sibling(void);
uint64_t bench_nmi_sibling(void);
uint64_t bench_first_touch(void);
uint64_t bench_touch_64m(void);
uint64_t bench_walk_16m(void);
bool bench_sibling_begin(void); /* false: this guest has one core */
void bench_interrupts_begin(void);
void bench_interrupts_end(void);

/* isr.asm: notes the TSC, writes EOI, counts. */
void bench_isr(void);
extern volatile uint64_t bench_isr_tsc, bench_isr_count; /* it uses them by name */

/* links.c: the two sides of a link */
void links_send(void);
void links_take(uint32_t samples);
