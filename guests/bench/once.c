/* SPDX-License-Identifier: MIT */
/*
 * once: measurements that cannot stand ten times in a line: an interrupt must arrive, the console
 * must have room, a page is touched for the first time only once.
 */
#include "guests/bench/bench.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define VECTOR_BENCH 0x50
#define DRAIN_NS     (10 * NS_PER_MS) /* 48 bytes and their prefix at 115200 baud take 6 ms */
#define LONG_PAST    1                /* a deadline that has passed: the timer fires at once */

extern const uint8_t kit_end[];

/* isr.asm: notes the TSC, writes EOI, counts. */
void bench_isr(void);
extern volatile uint64_t bench_isr_tsc, bench_isr_count; /* isr.asm uses them by name */
volatile uint64_t bench_isr_tsc, bench_isr_count;

uint64_t bench_console(void)
{
    static const char text[] = "a sample of a console write, 48 bytes in all...\n";
    struct bulkhead_data data;

    memcpy(&data, text, sizeof(data)); /* packed before the clock starts */

    spin_for(DRAIN_NS);
    uint64_t start = tsc_now();
    bulkhead_call(BULKHEAD_CALL_CONSOLE_WRITE, BULKHEAD_CONSOLE_MAX, &data);
    return tsc_now() - start;
}

void bench_interrupts_begin(void)
{
    x2apic_enable();
    x2apic_timer_deadline(VECTOR_BENCH);
    idt_set_gate(VECTOR_BENCH, bench_isr, 0);
    irq_enable();
}

void bench_interrupts_end(void)
{
    irq_disable();
    x2apic_timer_off();
}

static void bench_await(uint64_t before)
{
    while (bench_isr_count == before)
        ;
}

/* Arming, delivery, EOI and the way back. */
uint64_t bench_timer_tick(void)
{
    uint64_t before = bench_isr_count;
    uint64_t start = tsc_now();

    x2apic_arm(LONG_PAST);
    bench_await(before);
    return tsc_now() - start;
}

/* From the write to the first instruction of the handler. */
uint64_t bench_ipi_icr(void)
{
    uint64_t before = bench_isr_count;
    uint32_t self = x2apic_id();
    uint64_t start = tsc_now();

    x2apic_send(self, ICR_FIXED | VECTOR_BENCH);
    bench_await(before);
    return bench_isr_tsc - start;
}

uint64_t bench_ipi_self(void)
{
    uint64_t before = bench_isr_count;
    uint64_t start = tsc_now();

    x2apic_send_self(VECTOR_BENCH);
    bench_await(before);
    return bench_isr_tsc - start;
}

/* Page after page above the program; from the beginning again when memory is out. */
uint64_t bench_first_touch(void)
{
    static uint64_t page;

    if (page == 0 || page >= memory_top())
        page = align_down((uint64_t)kit_end, PAGE_SIZE) + PAGE_SIZE;
    volatile uint8_t *at = (volatile uint8_t *)page;
    page += PAGE_SIZE;

    uint64_t start = tsc_now();
    *at = 0;
    return tsc_now() - start;
}
