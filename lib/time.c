/* SPDX-License-Identifier: MIT */
/*
 * time: makes and applies the two factors between ticks and nanoseconds. Reads no clock, keeps no
 * state, divides only in time_scale_make().
 */
#include "lib/time.h"

#include "lib/assert.h"
#include "lib/bits.h"

struct wide {
    uint64_t high, low;
};

/*@ axiomatic power {
  @   logic integer two(integer n); // 2^n
  @   axiom two_0: two(0) == 1;
  @   axiom two_next: \forall integer n; n >= 0 ==> two(n + 1) == 2 * two(n);
  @ }
  @
  @ lemma product_grows: \forall integer a, b, c; 0 <= a && 0 <= b <= c ==> a * b <= a * c;
  @
  @ predicate divided(integer n, integer by, integer mult, integer rest) =
  @   n == mult * by + rest;
  @ lemma divided_0: \forall integer n, by, mult, rest; divided(n, by, mult, rest) ==>
  @   divided(2 * n, by, 2 * mult, 2 * rest);
  @ lemma divided_1: \forall integer n, by, mult, rest; divided(n, by, mult, rest) ==>
  @   divided(2 * n, by, 2 * mult + 1, 2 * rest - by);
  @*/

/*@ assigns \nothing;
  @ ensures joined(\result.high, \result.low) == a * b;
  @*/
static struct wide wide_product(uint64_t a, uint64_t b)
#ifdef __FRAMAC__ /* knows no 128-bit integer: believed */
    ;
#else
{
    const unsigned __int128 product = (unsigned __int128)a * b;

    return (struct wide){.high = (uint64_t)(product >> 64), .low = (uint64_t)product};
}
#endif

/* v / 2^shift, rounded down; UINT64_MAX where that does not fit. */
/*@ requires 1 <= shift < 128;
  @ assigns \nothing;
  @ ensures \result == saturated(joined(v.high, v.low) >> shift);
  @*/
static uint64_t wide_shift(struct wide v, uint32_t shift)
{
    if (shift >= 64)
        return v.high >> (shift - 64);
    if (v.high >> shift != 0)
        return UINT64_MAX;
    return v.high << (64 - shift) | v.low >> shift;
}

/* 2^shift - 1 */
/*@ requires 1 <= shift < 128;
  @ assigns \nothing;
  @ ensures joined(\result.high, \result.low) == (1 << shift) - 1;
  @*/
static struct wide wide_ones(uint32_t shift)
{
    if (shift >= 64)
        return (struct wide){.high = BIT64(shift - 64) - 1, .low = UINT64_MAX};
    return (struct wide){.high = 0, .low = BIT64(shift) - 1};
}

/*@ requires joined(a.high, a.low) + joined(b.high, b.low) <= joined(UINT64_MAX, UINT64_MAX);
  @ assigns \nothing;
  @ ensures joined(\result.high, \result.low) == joined(a.high, a.low) + joined(b.high, b.low);
  @*/
static struct wide wide_sum(struct wide a, struct wide b)
{
    if (a.low <= UINT64_MAX - b.low)
        return (struct wide){.high = a.high + b.high, .low = a.low + b.low};
    return (struct wide){.high = a.high + b.high + 1, .low = a.low - (UINT64_MAX - b.low) - 1};
}

/* The largest mult / 2^shift <= num / den with mult in [2^62, 2^63). Long division, bit by bit:
 * a 128-bit division would need a compiler library that we do not have. */
/*@ requires 1 <= num <= TIME_HZ_MAX && 1 <= den <= TIME_HZ_MAX;
  @ assigns \nothing;
  @ ensures \result.shift <= 126 && \result.mult < 0x8000000000000000;
  @ ensures \result.mult * den <= num * two(\result.shift) < (\result.mult + 1) * den;
  @ ensures \result.shift < 126 ==> \result.mult >= 0x4000000000000000;
  @*/
static struct time_factor time_factor_make(uint64_t num, uint64_t den)
{
    uint64_t mult = num / den, rest = num % den;
    uint32_t shift = 0;

    /*@ loop invariant 0 <= shift <= 126 && 0 <= mult < 0x8000000000000000 && 0 <= rest < den;
      @ loop invariant divided(num * two(shift), den, mult, rest);
      @ loop assigns mult, rest, shift;
      @ loop variant 126 - shift;
      @*/
    while (mult < BIT64(62) && shift < 126) {
        /*@ assert two(shift + 1) == 2 * two(shift); */
        /*@ assert divided(2 * (num * two(shift)), den, 2 * mult, 2 * rest); */
        /*@ assert divided(2 * (num * two(shift)), den, 2 * mult + 1, 2 * rest - den); */
        rest *= 2;
        mult *= 2;
        shift++;
        if (rest >= den) {
            rest -= den;
            mult++;
        }
    }
    return (struct time_factor){.mult = mult, .shift = shift};
}

/*@ requires TIME_HZ_MIN <= hz <= TIME_HZ_MAX;
  @ assigns \nothing;
  @ ensures 0 <= \result.to_ns.shift <= 126 && 0 <= \result.to_ticks.shift <= 126;
  @ ensures \result.to_ticks.mult < 0x8000000000000004;
  @ ensures \let f = \result.to_ns;
  @   f.mult * hz <= NS_PER_SECOND * two(f.shift) < (f.mult + 1) * hz;
  @ ensures \let f = \result.to_ticks; (f.mult - 4) * NS_PER_SECOND <= hz * two(f.shift) &&
  @   hz * two(f.shift) < (f.mult - 3) * NS_PER_SECOND;
  @*/
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

uint64_t time_to_ns(const struct time_scale *scale, uint64_t ticks)
{
    return wide_shift(wide_product(ticks, scale->to_ns.mult), scale->to_ns.shift);
}

uint64_t time_to_ticks(const struct time_scale *scale, uint64_t ns)
{
    const struct time_factor f = scale->to_ticks;

    /*@ assert ns * f.mult <= ns * 0x8000000000000003; */
    return wide_shift(wide_sum(wide_product(ns, f.mult), wide_ones(f.shift)), f.shift);
}

/*@ lemma monotonic: \forall integer a, b, mult, shift;
  @   0 <= a <= b <= UINT64_MAX && 0 <= mult <= UINT64_MAX && 1 <= shift <= 127 ==>
  @     saturated((a * mult) >> shift) <= saturated((b * mult) >> shift);
  @*/
