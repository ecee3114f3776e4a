/* SPDX-License-Identifier: MIT */
#include "kernel/vm/inject.h"

void inject_pending(struct vcpu *v)
{
    struct vcpu_soft *soft = v->soft;

    if (soft->nmi_pending && virt_inject_nmi(v)) {
        soft->nmi_pending = false;
        soft->stats.injected++;
    }
    if (soft->timer_pending && virt_inject_interrupt(v, soft->timer_vector)) {
        soft->timer_pending = false;
        soft->stats.injected++;
    }
}
