/* SPDX-License-Identifier: MIT */
#include "kernel/vm/lives.h"

#include "lib/bits.h"
#include "lib/time.h"

void lives_reset(struct lives *l, uint64_t hz, uint64_t now)
{
    *l = (struct lives){.hz = hz, .earned = LIVES_DIAGNOSES * LIVES_DIAGNOSIS_S * hz, .since = now};
}

static bool lives_is_told(uint32_t loops)
{
    return (loops & (loops - 1)) == 0;
}

struct lives_next lives_next(struct lives *l, uint64_t lived)
{
    if (lived >= l->hz)
        l->pause = 0;
    else
        l->pause = min_u64(l->pause ? 2 * l->pause : LIVES_FIRST_MS * l->hz / 1000, l->hz);
    l->loops = l->pause < l->hz ? 0 : l->loops + 1;
    return (struct lives_next){.pause = l->pause, .is_told = lives_is_told(l->loops)};
}

bool lives_diagnose(struct lives *l, uint64_t now)
{
    const uint64_t price = LIVES_DIAGNOSIS_S * l->hz;

    l->earned += min_u64(ticks_since(now, l->since), LIVES_DIAGNOSES * price - l->earned);
    l->since = max_u64(l->since, now);
    if (l->earned < price)
        return false;
    l->earned -= price;
    return true;
}
