/* SPDX-License-Identifier: MIT */
/*
 * spin: a guest that does not end by itself, for tests of stopping one, or a canary whose regular
 * beats show that it does not notice what others do.
 * Options: how=count (default: spins with interrupts on), cli (spins with interrupts off), hlt
 * (halts with interrupts off), wake (halts its second core so, and wakes it by NMIs 12 s later),
 * restart (asks for a restart at once) or off (powers off at once);
 * beats prints `beat N` each 100 ms and says when it was late, beats=N powers off after N.
 */
#include <stdatomic.h>

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define BEAT_NS (100 * NS_PER_MS)
#define NAP_NS  (12 * NS_PER_SECOND)
#define WAKES   4
/* A pause that somebody may notice. Bochs runs one core after the other and lets a REP STOS end:
 * where a microsecond is 50 instructions, another core that clears 2 MiB takes 5 ms of everybody's.
 */
#define LATE_NS (20 * NS_PER_MS)

static void spin_beat(uint64_t beats)
{
    uint64_t start = time_ns();

    for (uint64_t n = 1; beats == 0 || n <= beats; n++) {
        const uint64_t due = start + n * BEAT_NS;
        sleep_until(due);
        const uint64_t late = time_ns() - due;
        if (late < LATE_NS)
            print("beat %lu\n", n);
        else
            print("beat %lu, LATE by %lu us\n", n, late / 1000);
    }
}

static _Atomic uint32_t second_id; /* of the core that halts */
static _Atomic uint32_t woken;     /* how often its HLT ended */

static void spin_nmi(struct trap_frame *frame)
{
    (void)frame;
}

static void spin_second(uint32_t number)
{
    (void)number;
    atomic_store(&second_id, x2apic_id());
    for (;;) {
        cpu_halt();
        atomic_fetch_add(&woken, 1);
    }
}

/* An NMI is taken behind the HLT, so it ends it. */
static bool spin_wakes(void)
{
    const uint32_t before = atomic_load(&woken);

    x2apic_send(atomic_load(&second_id), ICR_NMI | ICR_ASSERT);
    for (uint64_t start = time_ns(); time_ns() - start < NS_PER_SECOND;) {
        if (atomic_load(&woken) != before)
            return true;
    }
    return false;
}

static int spin_wake(void)
{
    irq_handle(VECTOR_NMI, spin_nmi);
    x2apic_enable();
    smp_start(spin_second);
    if (smp_wait(NS_PER_SECOND) != 2)
        return 1;
    sleep_until(time_ns() + NAP_NS);

    uint32_t n = 0;
    while (n < WAKES && spin_wakes()) {
        n++;
        sleep_until(time_ns() + BEAT_NS); /* it halts again */
    }
    print("the second core woke up %u times\n", n);
    return n == WAKES ? 0 : 1;
}

int main(void)
{
    if (option_set("beats")) {
        spin_beat(option_number("beats", 0));
        return 0;
    }
    if (option_is("how", "restart"))
        bulkhead_restart();
    if (option_is("how", "off"))
        return 0;
    if (option_is("how", "wake"))
        return spin_wake();
    if (option_is("how", "hlt")) {
        print("halting with interrupts off\n");
        for (;;)
            cpu_halt();
    }
    bool off = option_is("how", "cli");
    print("spinning with interrupts %s\n", off ? "off" : "on");
    if (!off)
        irq_enable();
    for (volatile uint64_t n = 0;; n++)
        cpu_pause();
}
