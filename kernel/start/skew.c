/* SPDX-License-Identifier: MIT */
#include "kernel/start/skew.h"

#include "lib/assert.h"
#include "lib/bits.h"

/* The answer was read when this core's TSC was somewhere in asked..heard. TSCs are less than 2^63
 * apart, also where one has wrapped, so a difference is a signed number. */
static struct skew skew_of(const struct skew_exchange *e)
{
    return (struct skew){(int64_t)(e->answer - e->heard), (int64_t)(e->answer - e->asked)};
}

struct skew skew_bound(const struct skew_exchange *exchanges, uint32_t count)
{
    uint32_t best = 0;

    ASSERT(count > 0);
    for (uint32_t i = 1; i < count; i++) {
        if (exchanges[i].heard - exchanges[i].asked < exchanges[best].heard - exchanges[best].asked)
            best = i;
    }
    return skew_of(&exchanges[best]);
}

static uint64_t skew_size(int64_t offset)
{
    return offset < 0 ? -(uint64_t)offset : (uint64_t)offset;
}

bool skew_apart(struct skew skew, uint64_t limit)
{
    return (skew.low > 0 && skew_size(skew.low) > limit) ||
           (skew.high < 0 && skew_size(skew.high) > limit);
}

uint64_t skew_worst(struct skew skew)
{
    return max_u64(skew_size(skew.low), skew_size(skew.high));
}
