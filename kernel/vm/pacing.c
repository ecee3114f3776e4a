/* SPDX-License-Identifier: MIT */
#include "kernel/vm/pacing.h"

#include "lib/bits.h"
#include "lib/time.h"

void pacing_reset(struct pacing *p, uint64_t hz, uint64_t now)
{
    *p = (struct pacing){
        .hz = hz, .earned = PACING_DIAGNOSES * PACING_DIAGNOSIS_S * hz, .since = now};
}

static bool pacing_is_told(uint32_t loops)
{
    return (loops & (loops - 1)) == 0;
}

struct pacing_next pacing_next(struct pacing *p, uint64_t lived)
{
    if (lived >= p->hz)
        p->pause = 0;
    else
        p->pause = min_u64(p->pause ? 2 * p->pause : PACING_FIRST_MS * p->hz / 1000, p->hz);
    p->loops = p->pause < p->hz ? 0 : p->loops + 1;
    return (struct pacing_next){.pause = p->pause, .is_told = pacing_is_told(p->loops)};
}

bool pacing_diagnose(struct pacing *p, uint64_t now)
{
    const uint64_t price = PACING_DIAGNOSIS_S * p->hz;

    p->earned += min_u64(ticks_since(now, p->since), PACING_DIAGNOSES * price - p->earned);
    p->since = max_u64(p->since, now);
    if (p->earned < price)
        return false;
    p->earned -= price;
    return true;
}
