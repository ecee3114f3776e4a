/* SPDX-License-Identifier: MIT */
/*
 * watch: guests' deadlines where no timer counts while a guest runs: core 0, the monitor's, watches
 * them and kicks the core whose deadline has come.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

/* From now on v's deadline is this one, UINT64_MAX: none. On v's own core. */
void watch_set(struct vcpu *v, uint64_t deadline);

/* Core 0, before it sleeps: kicks whose deadline has come by `now`. Returns until when to sleep,
 * not longer than `latest`: whoever sets a deadline before that sets cpus[0]->wake and kicks. */
uint64_t watch_look(uint64_t now, uint64_t latest);
