/* SPDX-License-Identifier: MIT */
/*
 * tick: takes interrupts from its own local APIC's timer, re-armed by WRMSR in the handler: once
 * while the core spins, once while it sleeps in HLT. Between the first and the last tick of a
 * round it makes no hypercall, and on Bulkhead nothing else exits either.
 * Options: ticks=N (100) per round, us=N (1000) from one to the next, only=spin or only=hlt: that
 * round alone.
 */
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"

#define VECTOR_TICK  0x42
#define VECTOR_GUARD 0x43

static uint64_t wanted, interval; /* ticks of the APIC timer; TSC ticks between them */
static volatile uint64_t deadline;
static volatile uint64_t count;
static volatile uint64_t worst; /* TSC ticks behind the deadline */
static volatile bool late;      /* the guard's */

static void tick_taken(struct trap_frame *frame)
{
    uint64_t now = tsc_now();

    (void)frame;
    if (now > deadline) /* an emulator's TSC may be a few ticks behind its timer */
        worst = max_u64(worst, now - deadline);
    if (++count < wanted) {
        deadline += interval;
        x2apic_arm(deadline);
    }
    x2apic_eoi();
}

static void tick_guard(struct trap_frame *frame)
{
    (void)frame; /* the PV timer: no EOI */
    late = true;
}

/* The guard ends a round whose ticks do not come, also out of HLT; it costs nothing until then. */
static bool tick_round(const char *name, bool sleep)
{
    count = 0;
    worst = 0;
    late = false;
    timer_set(time_ns() + 2 * tsc_to_ns(wanted * interval) + NS_PER_SECOND, VECTOR_GUARD);

    deadline = tsc_now() + interval;
    x2apic_arm(deadline);
    while (count < wanted && !late) {
        if (sleep) {
            irq_wait();
        } else {
            irq_enable();
            cpu_pause();
        }
    }
    irq_disable();
    x2apic_arm(0);
    timer_set(0, VECTOR_GUARD);

    print("%s: %lu of %lu ticks\n", name, count, wanted);
    print("%s: worst late %lu ticks\n", name, worst);
    return count == wanted;
}

int main(void)
{
    wanted = option_number("ticks", 100);
    interval = ns_to_tsc(option_number("us", 1000) * NS_PER_US);
    irq_handle(VECTOR_TICK, tick_taken);
    irq_handle(VECTOR_GUARD, tick_guard);
    x2apic_enable();
    x2apic_timer_deadline(VECTOR_TICK);

    bool spun = option_is("only", "hlt") || tick_round("spinning", false);
    bool slept = option_is("only", "spin") || tick_round("in HLT", true);

    x2apic_timer_off();
    /* So far: this line and the power-off come on top. */
    print("hypercalls so far: %lu\n", kit_calls);
    return spun && slept ? 0 : 1;
}
