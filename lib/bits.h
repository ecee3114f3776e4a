/* SPDX-License-Identifier: MIT */
/*
 * bits: fields, alignment and overflow-safe address arithmetic. Pure.
 */
#pragma once

#include "lib/types.h"

#define BIT32(n) (UINT32_C(1) << (n))
#define BIT64(n) (UINT64_C(1) << (n))

/* Bits hi..lo inclusive, hi >= lo, both below 64. */
#define MASK64(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/*@ requires lo <= hi < 64;
  @ assigns \nothing;
  @*/
static inline uint64_t bits_get(uint64_t value, unsigned hi, unsigned lo)
{
    return (value & MASK64(hi, lo)) >> lo;
}

static inline bool is_power_of_two(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* `align` is a power of two. */
/*@ requires align > 0;
  @ assigns \nothing;
  @ ensures \result <==> (v & (align - 1)) == 0;
  @*/
static inline bool is_aligned(uint64_t v, uint64_t align)
{
    return (v & (align - 1)) == 0;
}

static inline uint64_t align_down(uint64_t v, uint64_t align)
{
    return v & ~(align - 1);
}

/* Fails (returns false) where the result would not fit in 64 bits. */
MUST_CHECK static inline bool align_up(uint64_t v, uint64_t align, uint64_t *out)
{
    if (v > UINT64_MAX - (align - 1))
        return false;
    *out = align_down(v + (align - 1), align);
    return true;
}

MUST_CHECK static inline bool add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

MUST_CHECK static inline bool mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* True when [base, base + size) does not wrap. The end may be exactly 2^64. */
static inline bool range_ok(uint64_t base, uint64_t size)
{
    return size == 0 || size - 1 <= UINT64_MAX - base;
}

/* `index` inside a table of `count` (a power of two) entries, also where a guest's number passed a
 * range check only in speculation: the compiler may not drop the mask on the strength of the check.
 */
static inline uint32_t index_masked(uint32_t index, uint32_t count)
{
    __asm__("" : "+r"(index));
    return index & (count - 1);
}

/*@ assigns \nothing;
  @ ensures \result == \min(a, b);
  @*/
static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/*@ assigns \nothing;
  @ ensures \result == \max(a, b);
  @*/
static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}
