/* SPDX-License-Identifier: MIT */
#include "kernel/vm/kick.h"

#include "kernel/core/cores.h"

void kick_send(struct vcpu *v, uint32_t kicks)
{
    atomic_fetch_or(&v->kick, kicks);
    if (v->cpu != this_cpu())
        cores_kick(v->cpu);
}
