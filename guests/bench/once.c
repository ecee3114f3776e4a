/* SPDX-License-Identifier: MIT */
/*
 * once: measurements that cannot stand ten times in a line: an interrupt must arrive, the console
 * must have room, a page is touched for the first time only once.
 */
#include "guests/bench/bench.h"
#include "guests/bench/walk.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define VECTOR_BENCH  0x50
#define VECTOR_PV     0x51
#define DRAIN_NS      (10 * NS_PER_MS) /* 48 bytes and their prefix at 115200 baud take 6 ms */
#define DRAIN_BYTE_NS (2 * NS_PER_MS)  /* the console is looked after every millisecond */
#define PORT_UART     0x3f8
#define PV_AHEAD_NS   (100 * NS_PER_US)
#define VECTOR_NMI    2
#define TOUCH_PAGES   (64u * 256)
#define LONG_PAST     1 /* a deadline that has passed: the timer fires at once */

extern const uint8_t kit_end[];

void bench_pv_isr(void); /* isr.asm */
volatile uint64_t bench_isr_tsc, bench_isr_count;

/* Into a ring that has room: what was put before has left. */
static uint64_t bench_console(uint64_t len, uint64_t drain_ns)
{
    static const char text[] = "a sample of a console write, 48 bytes in all...\n";
    struct bulkhead_data data;

    memcpy(&data, text, sizeof(data)); /* packed before the clock starts */
    spin_for(drain_ns);
    uint64_t start = tsc_now();
    bulkhead_call(BULKHEAD_CALL_CONSOLE_WRITE, len, &data);
    return tsc_now() - start;
}

uint64_t bench_console_48(void)
{
    return bench_console(BULKHEAD_CONSOLE_MAX, DRAIN_NS);
}

uint64_t bench_console_1(void)
{
    return bench_console(1, DRAIN_BYTE_NS);
}

uint64_t bench_uart_byte(void)
{
    spin_for(DRAIN_BYTE_NS);
    uint64_t start = tsc_now();
    out8(PORT_UART, 'u');
    return tsc_now() - start;
}

void bench_interrupts_begin(void)
{
    x2apic_enable();
    x2apic_timer_deadline(VECTOR_BENCH);
    idt_set_gate(VECTOR_BENCH, bench_isr, 0);
    idt_set_gate(VECTOR_PV, bench_pv_isr, 0);
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

/* ------------------------------------------------------------------ the PV timer */

extern volatile uint64_t bench_last_tsc, bench_cut_tsc; /* isr.asm copies the one to the other */
volatile uint64_t bench_last_tsc, bench_cut_tsc;

static uint64_t pv_deadline_ns, pv_deadline_tsc; /* one deadline by both clocks */

/* From the last instruction before the deadline to the first of the handler. */
uint64_t bench_pv_spin(void)
{
    uint64_t before = bench_isr_count;

    pv_deadline_ns = time_ns() + PV_AHEAD_NS;
    timer_set(pv_deadline_ns, VECTOR_PV);
    while (bench_isr_count == before)
        bench_last_tsc = rdtsc();
    pv_deadline_tsc = bench_cut_tsc;
    return bench_isr_tsc - bench_cut_tsc;
}

/* From the deadline to the first instruction of the handler. */
uint64_t bench_pv_hlt(void)
{
    uint64_t before = bench_isr_count;
    uint64_t deadline = time_ns() + PV_AHEAD_NS;

    irq_disable();
    timer_set(deadline, VECTOR_PV);
    while (bench_isr_count == before)
        irq_wait();
    irq_enable();
    return bench_isr_tsc - pv_deadline_tsc - ns_to_tsc(deadline - pv_deadline_ns);
}

/* ------------------------------------------------------------------ another core */

static volatile uint32_t sibling_id;

static void bench_sibling(uint32_t number)
{
    (void)number;
    sibling_id = x2apic_id();
    irq_enable();
    for (;;)
        ;
}

bool bench_sibling_begin(void)
{
    if (smp_expected() < 2)
        return false;
    irq_handle(VECTOR_NMI, NULL);
    idt_set_gate(VECTOR_NMI, bench_pv_isr, 0);
    smp_start(bench_sibling);
    return smp_wait(NS_PER_SECOND) == smp_expected();
}

static uint64_t bench_to_sibling(uint32_t command)
{
    uint64_t before = bench_isr_count;
    uint64_t start = tsc_now();

    x2apic_send(sibling_id, command);
    bench_await(before);
    return bench_isr_tsc - start;
}

uint64_t bench_ipi_sibling(void)
{
    return bench_to_sibling(ICR_FIXED | VECTOR_BENCH);
}

/* The hypervisor's kick: its NMI gets the other core out of its guest, which then gets one. */
uint64_t bench_nmi_sibling(void)
{
    return bench_to_sibling(ICR_NMI);
}

/* ------------------------------------------------------------------ memory */

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

/* All of it, a word of each page, as a program does that has just been started. */
uint64_t bench_touch_64m(void)
{
    volatile uint8_t *at =
        (volatile uint8_t *)(align_down((uint64_t)kit_end, PAGE_SIZE) + PAGE_SIZE);
    uint64_t start = tsc_now();

    for (uint32_t i = 0; i < TOUCH_PAGES; i++)
        at[(uint64_t)i * PAGE_SIZE] = 1;
    return tsc_now() - start;
}

/* A word of each cache line of 16 MiB. */
uint64_t bench_walk_16m(void)
{
    volatile uint64_t *at =
        (volatile uint64_t *)(align_down((uint64_t)kit_end, PAGE_SIZE) + PAGE_SIZE);
    uint64_t start = tsc_now();

    walk_lines(at, WALK_LINES);
    return tsc_now() - start;
}
