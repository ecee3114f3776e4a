/* SPDX-License-Identifier: MIT */
/*
 * regs: how the units' registers are reached, and what tables in memory need so that a unit sees
 * them. In host tests another header takes this one's place (tests/unit/fakes).
 */
#pragma once

#include "lib/x86/insn.h"

#define REGS_CACHE_LINE 64

static inline uint32_t regs_read32(uint64_t unit, uint32_t at)
{
    return *(const volatile uint32_t *)(uintptr_t)(unit + at);
}

static inline uint64_t regs_read64(uint64_t unit, uint32_t at)
{
    return *(const volatile uint64_t *)(uintptr_t)(unit + at);
}

static inline void regs_write32(uint64_t unit, uint32_t at, uint32_t value)
{
    *(volatile uint32_t *)(uintptr_t)(unit + at) = value;
}

static inline void regs_write64(uint64_t unit, uint32_t at, uint64_t value)
{
    *(volatile uint64_t *)(uintptr_t)(unit + at) = value;
}

/* TSC ticks. */
static inline uint64_t regs_now(void)
{
    return rdtsc();
}

static inline void regs_pause(void)
{
    cpu_pause();
}

/* Puts what was written there into memory: not every unit looks into the caches. */
static inline void regs_flush(const void *from, uint64_t size)
{
    const uint64_t begin = (uint64_t)(uintptr_t)from & ~(uint64_t)(REGS_CACHE_LINE - 1);

    for (uint64_t at = begin; at < (uint64_t)(uintptr_t)from + size; at += REGS_CACHE_LINE)
        __asm__ volatile("clflush (%0)" : : "r"(at) : "memory");
    mfence_lfence();
}

/* Both words at once, so that a unit never sees half of a change. `pair` is aligned to 16 bytes. */
static inline void regs_put_pair(uint64_t *pair, uint64_t low, uint64_t high)
{
    uint64_t was_low = pair[0], was_high = pair[1];
    bool done;

    do
        __asm__ volatile("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(*(uint64_t(*)[2])pair), "+a"(was_low), "+d"(was_high)
                         : "b"(low), "c"(high)
                         : "memory");
    while (!done);
}
