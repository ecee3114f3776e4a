/* SPDX-License-Identifier: MIT */
/*
 * monitor: the operator's commands, on the hypervisor's own console. Lives on core 0: between two
 * looks at the console, whatever else that core does. Commands never wait for a guest; what they
 * start goes on by itself and is reported in the log.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

/* Boot core, before launch. */
void monitor_init(const struct monitor_view *view);

/* Pumps the console, for about `ticks` of the TSC, or carries out what was typed; core 0, as often
 * as it can. True: more waits. */
bool monitor_service(uint64_t now, uint64_t ticks);

/* The same on a core that has a guest to run: takes a tenth of the core's time at most. `period`:
 * of the TSC, from text waiting to the next look. Returns when to call again; `busy`: text waits,
 * else that is later. */
uint64_t monitor_duty(uint64_t period, bool *busy);
