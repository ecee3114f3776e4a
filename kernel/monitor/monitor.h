/* SPDX-License-Identifier: MIT */
/*
 * monitor: the operator's commands, on the hypervisor's own console. Lives on core 0: between two
 * looks at the console, whatever else that core does. Commands never wait for a guest; what they
 * start goes on by itself and is reported in the log.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

struct cpu;

/* Boot core, before launch. */
void monitor_init(const struct monitor_view *view);

/* Core 0 from launch on: it looks after the console and the operator, and runs its guest, if it has
 * one, in between. */
NORETURN void monitor_run(struct cpu *core);
