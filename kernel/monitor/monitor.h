/* SPDX-License-Identifier: MIT */
/*
 * monitor: the operator's commands, on the hypervisor's own console. Lives on core 0: between two
 * looks at the console, whatever else that core does. Commands never wait for a guest; what they
 * start goes on by itself and is reported in the log.
 */
#pragma once

#include "kernel/plan/plan.h"
#include "kernel/start/boot.h"
#include "kernel/vm/partition.h"
#include "lib/types.h"

/* What the monitor can look at. */
struct monitor_view {
    const struct boot_state *boot;
    const struct plan *plan;
    const struct vendor *vendor;
    struct vm **vms; /* [vm_count] */
    uint32_t vm_count;
};

/* Boot core, before launch. */
void monitor_init(const struct monitor_view *view);

/* Pumps the console, for about `ticks` of the TSC, or carries out what was typed; core 0, as often
 * as it can. True: more waits. */
bool monitor_service(uint64_t now, uint64_t ticks);

/* The same on a core that has a guest to run: takes a tenth of the core's time at most. `period`:
 * of the TSC, from text waiting to the next look. Returns when to call again; `busy`: text waits,
 * else that is later. */
uint64_t monitor_duty(uint64_t period, bool *busy);

/* The last guest has ended. With the monitor open the operator decides what comes next; else the
 * machine is switched off. Any core. */
void monitor_all_ended(void);
