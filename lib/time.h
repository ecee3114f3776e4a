/* SPDX-License-Identifier: MIT */
/*
 * time: ticks of a clock of known rate ↔ nanoseconds, in 128-bit arithmetic, saturating, never
 * dividing at run time. Pure.
 *
 * Rounding is chosen for timers: time_to_ns() rounds down, time_to_ticks() rounds up, so
 *     time_to_ns(time_to_ticks(ns)) >= ns
 * always holds (unless it saturates) and nobody who sleeps until `ns` wakes up and reads an
 * earlier time. There and back is off by at most one of the coarser unit for times below 2^58
 * (nine years in ns).
 */
#pragma once

#include "lib/types.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_US     UINT64_C(1000)

/* The rates that time_scale_make() accepts, in Hz. */
#define TIME_HZ_MIN UINT64_C(1000)
#define TIME_HZ_MAX UINT64_C(64000000000)

/* Ticks from `then` until `now`; 0 when `then` is the later one. Another core may have read its TSC
 * after this one did and stored that before this one looked, so a plain difference could wrap. */
/*@ assigns \nothing;
  @ ensures \result == (now > then ? now - then : 0);
  @*/
static inline uint64_t ticks_since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

/* A factor as mult / 2^shift; mult has 63 significant bits, whatever the factor's size. */
struct time_factor {
    uint64_t mult;
    uint32_t shift; /* 0..127 */
};

struct time_scale {
    struct time_factor to_ns;    /* never more than the exact value */
    struct time_factor to_ticks; /* never less than 1 / to_ns */
};

/* `hz`: TIME_HZ_MIN..TIME_HZ_MAX; anything else is our bug. */
struct time_scale time_scale_make(uint64_t hz);

/* Any core, any context. UINT64_MAX where the result does not fit. */
/*@ logic integer saturated(integer n) = \min(n, UINT64_MAX);
  @ predicate can_scale(struct time_scale s) = 1 <= s.to_ns.shift <= 126 &&
  @   1 <= s.to_ticks.shift <= 126 && s.to_ticks.mult < 0x8000000000000004;
  @*/
/*@ requires \valid_read(scale) && 1 <= scale->to_ns.shift <= 126;
  @ assigns \nothing;
  @ ensures \result == saturated((ticks * scale->to_ns.mult) >> scale->to_ns.shift);
  @*/
uint64_t time_to_ns(const struct time_scale *scale, uint64_t ticks);
/*@ requires \valid_read(scale) && 1 <= scale->to_ticks.shift <= 126;
  @ requires scale->to_ticks.mult < 0x8000000000000004;
  @ assigns \nothing;
  @ ensures \let f = scale->to_ticks;
  @   \result == saturated((ns * f.mult + (1 << f.shift) - 1) >> f.shift);
  @*/
uint64_t time_to_ticks(const struct time_scale *scale, uint64_t ns);
