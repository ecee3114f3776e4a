/* SPDX-License-Identifier: MIT */
/*
 * lapic_timer: the timer of the local APIC of the core this runs on, in x2APIC mode: one interrupt
 * when the TSC reaches a value. Where the processor has no TSC-deadline mode (AMD, most emulators)
 * it counts down, at a rate that is measured. SDM "APIC Timer".
 */
#pragma once

#include "drivers/tsc.h"
#include "lib/time.h"
#include "lib/types.h"

/* The same on all cores. All zero: there is no timer that works. */
struct lapic_timer {
    uint64_t hz;             /* counts a second, divided by 1; 0: it does not count */
    bool has_deadline;       /* TSC-deadline mode */
    struct time_scale ticks; /* of the TSC */
    struct time_scale counts;
};

/* Measures the rate against the TSC: about 30 ms. Boot core, the timer off, x2APIC mode. */
void lapic_timer_init(struct lapic_timer *timer, const struct tsc *tsc);

bool lapic_timer_works(const struct lapic_timer *timer);

/* One interrupt of `vector` when the TSC reaches `deadline`, or earlier where that is farther away
 * than a count can say. And off. */
void lapic_timer_arm(const struct lapic_timer *timer, uint8_t vector, uint64_t deadline);
void lapic_timer_disarm(const struct lapic_timer *timer);
