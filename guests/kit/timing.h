/* SPDX-License-Identifier: MIT */
/*
 * timing: the hypervisor's clock, the time-stamp counter, and ways to wait. All cores, after
 * timing_init().
 */
#pragma once

#include "lib/time.h"
#include "lib/types.h"

#define VECTOR_SLEEP 0xe0 /* taken by sleep_until() */

void timing_init(void); /* by kit_main() */

/* Nanoseconds since the guest's machine started; a hypercall. */
uint64_t time_ns(void);

uint64_t tsc_khz(void);
uint64_t tsc_to_ns(uint64_t ticks);
uint64_t ns_to_tsc(uint64_t ns);

/* The TSC after everything before is done and before anything behind begins.
 * SDM, "RDTSC": LFENCE on both sides. */
static inline uint64_t tsc_now(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

/* The PV timer of this core, see bulkhead.h; dies if the hypervisor refuses. */
void timer_set(uint64_t deadline_ns, uint8_t vector);

/*
 * Waits in HLT by the PV timer, which must not be in use otherwise. Interrupts are on meanwhile,
 * and as they were afterwards.
 */
void sleep_until(uint64_t deadline_ns);
void sleep_for(uint64_t ns);

/* Waits without exits, by the TSC. */
void spin_for(uint64_t ns);
