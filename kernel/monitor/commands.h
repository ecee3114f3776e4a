/* SPDX-License-Identifier: MIT */
/*
 * commands: what the monitor can be told to do. Each answers in lines that no log keeps;
 * what a command does to a guest or the machine is logged by whoever carries it out.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

void commands_init(struct commands *c, const struct monitor_view *view);

/* Takes a sample every second; true: just now. */
bool commands_tick(struct commands *c, uint64_t now);

/* Carries out one line; core 0. */
void commands_run(struct commands *c, const char *line);

/* For completion: command names, or guest names; NULL: no more. */
const char *commands_candidate(const struct commands *c, bool command, uint32_t index);
