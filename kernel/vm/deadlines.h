/* SPDX-License-Identifier: MIT */
/*
 * deadlines: what a vCPU has to do at a time, whether its guest makes exits or none: its timer, the
 * console's turn, its watchdog.
 */
#pragma once

#include "kernel/virt.h"
#include "kernel/vm/vm.h"
#include "lib/types.h"

/* After a deadline has changed. */
void deadlines_update(struct vcpu *v);

/* At an exit at or after v->look_at. */
void deadlines_near(struct vcpu *v, uint64_t now);

/* Does what is due as of `now`. DO_LEAVE: the console is, and that is not for here. */
enum verdict deadlines_look(struct vcpu *v, uint64_t now);

/* The same on a vCPU that waits for a SIPI. Until when to wait. */
uint64_t deadlines_look_waiting(struct vcpu *v, uint64_t now);

/* The console was looked after on v's core: when to do so again, and whether text waits. */
void deadlines_set_console(struct vcpu *v, uint64_t deadline, bool is_busy);

/* Text was put into the guest's ring: see that it is pumped soon. On the exit path. */
void deadlines_hurry_console(struct vcpu *v);

static inline void deadlines_has_output(struct vcpu *v, const struct vcpu_soft *soft)
{
    if (__builtin_expect(soft->console_duty && !soft->console_busy, 0))
        deadlines_hurry_console(v);
}
