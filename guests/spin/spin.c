/* SPDX-License-Identifier: MIT */
/*
 * spin: a guest that does not end by itself, for tests of stopping one, or a canary whose regular
 * beats show that it does not notice what others do.
 * Options: how=count (default: spins with interrupts on), cli (spins with interrupts off), hlt
 * (halts with interrupts off), restart (asks for a restart at once) or off (powers off at once);
 * beats prints `beat N` each 100 ms and says when it was late, beats=N powers off after N.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "lib/x86/insn.h"

#define BEAT_NS (100 * NS_PER_MS)
#define LATE_NS (5 * NS_PER_MS) /* a pause that somebody may notice */

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
