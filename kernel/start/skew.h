/* SPDX-License-Identifier: MIT */
/*
 * skew: how far another core's TSC may be from this one's, from readings that the two exchanged.
 * Pure.
 */
#pragma once

#include "lib/time.h"
#include "lib/types.h"

/* Read in this order, by this core, the other, and this one again. */
struct skew_exchange {
    uint64_t asked, answer, heard;
};

/* The other's TSC less this one's, in ticks: no less than `low`, no more than `high`. */
struct skew {
    int64_t low, high;
};

/* What the closest of `count` exchanges says; count > 0. */
struct skew skew_bound(const struct skew_exchange *exchanges, uint32_t count);

/* The offset is proven to be more than `limit` ticks either way. Long exchanges (an emulator under
 * load) give wide bounds, which prove nothing. */
bool skew_apart(struct skew skew, uint64_t limit);

/* The largest offset that is possible, either way, in ticks. */
uint64_t skew_worst(struct skew skew);
