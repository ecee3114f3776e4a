/* SPDX-License-Identifier: MIT */
/*
 * tables_storm: interrupts of the guest's own timer, while it writes to a table.
 */
#include "guests/hostile/hostile.h"
#include "guests/hostile/tables.h"
#include "guests/kit/idt.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define VECTOR_TICK 0x60
#define PERIOD_NS   (20 * NS_PER_US) /* the shortest */
#define PERIODS     10

static volatile uint64_t ticks, arms;
volatile bool tables_storming;
static uint64_t period; /* the shortest, as a count */

static void storm_arm(void)
{
    arms++;
    wrmsr(MSR_X2APIC_TIMER_INIT, period * (1 + arms * 7 % PERIODS));
}

/* One that is lost is the last. */
static void storm_tick(struct trap_frame *frame)
{
    (void)frame;
    ticks++;
    x2apic_eoi();
    if (tables_storming)
        storm_arm();
}

void tables_storm_begin(void)
{
    const uint64_t khz = x2apic_timer_khz();

    irq_handle(VECTOR_TICK, storm_tick);
    period = max_u64(khz * PERIOD_NS / NS_PER_MS, 1);
    tables_storming = true;
    x2apic_timer_count(VECTOR_TICK, false, 0);
    storm_arm();
    irq_enable();
}

void tables_storm_end(void)
{
    const uint64_t before = ticks;

    for (uint32_t i = 0; i < 10000 && ticks == before; i++)
        spin_for(100 * NS_PER_US);
    const bool still = ticks != before;
    tables_storming = false;
    for (uint32_t i = 0; i < 10000 && ticks != arms; i++)
        spin_for(100 * NS_PER_US);
    irq_disable();
    x2apic_timer_off();
    check("storm-lost-nothing", still && ticks == arms && ticks > 100, "%lu ticks of %lu", ticks,
          arms);
}
