/* SPDX-License-Identifier: MIT */
#include "kernel/vm/watch.h"

#include "kernel/core/cores.h"
#include "kernel/vm/kick.h"
#include "kernel/vm/vm.h"
#include "lib/bits.h"

/* Core 0 writes how long it sleeps before it reads the deadlines; who sets one reads that behind
 * it, all in one order: one of the two sees the other's. */
void watch_set(struct vcpu *v, uint64_t deadline)
{
    atomic_store(&v->soft->watched, deadline);
    if (deadline >= atomic_load(&cpus[0]->sleeps))
        return;
    if (atomic_exchange(&cpus[0]->wake, 1) == 0) /* else it is on its way to read them all */
        cores_kick(cpus[0]);
}

/* A deadline that its owner moves meanwhile is not ours to end: it is read again next time. */
static uint64_t watch_one(struct vcpu *v, uint64_t now)
{
    uint64_t deadline = atomic_load(&v->soft->watched);

    if (deadline > now)
        return deadline;
    if (atomic_compare_exchange_strong(&v->soft->watched, &deadline, UINT64_MAX))
        kick_send(v, KICK_WATCHED);
    return UINT64_MAX;
}

uint64_t watch_look(uint64_t now, uint64_t latest)
{
    uint64_t until = latest;

    atomic_store(&cpus[0]->sleeps, latest);
    for (uint32_t i = 1; i < cores_made; i++) {
        if (cpus[i]->vcpu)
            until = min_u64(until, watch_one(cpus[i]->vcpu, now));
    }
    return until;
}
