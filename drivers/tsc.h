/* SPDX-License-Identifier: MIT */
/*
 * tsc: the rate of the time-stamp counter, and time derived from it. Rate from the hypervisor below
 * us (leaf 0x40000010) if there is one, else CPUID 0x15, else 0x16, else measured against PIT
 * channel 2. SDM "Time-Stamp Counter", "Determining the Processor Base Frequency".
 */
#pragma once

#include "lib/time.h"
#include "lib/types.h"

struct tsc {
    uint64_t hz;    /* ticks per second, TIME_HZ_MIN..TIME_HZ_MAX */
    uint64_t start; /* counter value that is time 0 */
    struct time_scale scale;
    const char *source; /* "CPUID 0x15", ... */
    bool invariant;     /* CPUID.0x80000007:EDX.8 */
};

/* `start`: the counter's value at time 0, a stamp of the loader's. Boot core, before other cores
 * run; takes 20 to 160 ms where the rate has to be measured. What CPUID 0x15 gives is compared with
 * 0x16, or without that with the PIT; the log names a difference above 0.5 %. Always yields a rate:
 * the last resort is a guess, which is logged and named in `source`. */
void tsc_init(struct tsc *tsc, uint64_t start);

/* Spins for at least `us` microseconds. Any core, any context. */
void tsc_delay_us(const struct tsc *tsc, uint32_t us);
