/* SPDX-License-Identifier: MIT */
/*
 * time: makes and applies the two factors between ticks and nanoseconds. Reads no clock, keeps no
 * state, divides only in time_scale_make().
 */
#include "lib/time.h"

#include "lib/assert.h"
#include "lib/bits.h"

typedef unsigned __int128 u128;

/* The largest mult / 2^shift <= num / den with mult in [2^62, 2^63). Long division, bit by bit:
 * a 128-bit division would need a compiler library that we do not have. */
static struct time_factor time_factor_make(uint64_t num, uint64_t den)
{
    struct time_factor f = {.mult = num / den, .shift = 0};
    uint64_t rest = num % den;

    while (f.mult < BIT64(62)) {
        rest <<= 1; /* den < 2^36: cannot overflow */
        f.mult <<= 1;
        f.shift++;
        if (rest >= den) {
            rest -= den;
            f.mult |= 1;
        }
    }
    return f;
}

struct time_scale time_scale_make(uint64_t hz)
{
    struct time_scale scale;

    ASSERT(hz >= TIME_HZ_MIN && hz <= TIME_HZ_MAX);
    scale.to_ns = time_factor_make(NS_PER_SECOND, hz);
    scale.to_ticks = time_factor_make(hz, NS_PER_SECOND);
    /*
     * to_ns is too small by less than 2^-62 of itself, to_ticks by less than 1 in its last place.
     * One of the four makes up for the latter; the other three are worth at least 3 * 2^-63 and
     * make the product of both factors at least 1, which the promise in the header rests on.
     */
    scale.to_ticks.mult += 4;
    return scale;
}

static uint64_t time_saturate(u128 v)
{
    return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

uint64_t time_to_ns(const struct time_scale *scale, uint64_t ticks)
{
    return time_saturate((u128)ticks * scale->to_ns.mult >> scale->to_ns.shift);
}

uint64_t time_to_ticks(const struct time_scale *scale, uint64_t ns)
{
    /* Below 2^64 * (2^63 + 4) + 2^127: the sum fits. */
    u128 round_up = ((u128)1 << scale->to_ticks.shift) - 1;

    return time_saturate(((u128)ns * scale->to_ticks.mult + round_up) >> scale->to_ticks.shift);
}
