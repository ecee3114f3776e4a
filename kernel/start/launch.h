/* SPDX-License-Identifier: MIT */
/*
 * launch: from a machine of our own to running guests: can it be done, what does the file want,
 * build it all, go. Boot core only.
 */
#pragma once

#include "kernel/start/start.h"

/* Finds out what this core can do, and whose it is. Before the other cores are started. */
void launch_probe(struct start_state *start);

/* False, after naming everything this machine lacks. */
MUST_CHECK bool launch_possible(const struct start_state *start);

/* Reads bulkhead.conf and makes the plan; false after listing every error. */
MUST_CHECK bool launch_plan(struct start_state *start);

/* Builds the partitions, turns virtualisation on everywhere, seals the page pool. */
MUST_CHECK bool launch_prepare(struct start_state *start);

/* Starts every guest and goes on as the monitor or as core 0's vCPU. */
NORETURN void launch_run(struct start_state *start);
