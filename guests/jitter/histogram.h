/* SPDX-License-Identifier: MIT */
/*
 * histogram: how often which value came: exact below 32, then 16 steps for each power of two. Pure.
 */
#pragma once

#include "lib/bits.h"

#define HISTOGRAM_EXACT   32u
#define HISTOGRAM_STEPS   16u
#define HISTOGRAM_BUCKETS (HISTOGRAM_EXACT + (64 - 5) * HISTOGRAM_STEPS)

struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count, sum, min, max;
};

static inline uint32_t histogram_bucket(uint64_t value)
{
    if (value < HISTOGRAM_EXACT)
        return (uint32_t)value;
    const uint32_t top = 63 - (uint32_t)__builtin_clzll(value); /* 5 at least */
    return HISTOGRAM_EXACT + (top - 5) * HISTOGRAM_STEPS +
           (uint32_t)(value >> (top - 4) & (HISTOGRAM_STEPS - 1));
}

/* The largest value of a bucket. */
static inline uint64_t histogram_top(uint32_t bucket)
{
    if (bucket < HISTOGRAM_EXACT)
        return bucket;
    const uint32_t power = (bucket - HISTOGRAM_EXACT) / HISTOGRAM_STEPS + 5;
    const uint64_t step = (bucket - HISTOGRAM_EXACT) % HISTOGRAM_STEPS + HISTOGRAM_STEPS;
    return (step << (power - 4)) + (BIT64(power - 4) - 1);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->bucket[histogram_bucket(value)]++;
    h->min = h->count == 0 ? value : min_u64(h->min, value);
    h->max = max_u64(h->max, value);
    h->sum += value;
    h->count++;
}

/* What all but `one_in`-th of the values do not exceed, to the bucket. */
static inline uint64_t histogram_quantile(const struct histogram *h, uint64_t one_in)
{
    uint64_t above = 0;

    for (uint32_t i = HISTOGRAM_BUCKETS; i > 0; i--) {
        above += h->bucket[i - 1];
        if (above > h->count / one_in)
            return min_u64(histogram_top(i - 1), h->max);
    }
    return 0;
}
