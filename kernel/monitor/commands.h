/* SPDX-License-Identifier: MIT */
/*
 * commands: the monitor's commands. Their answers go into no log; what a command does to a guest or
 * the machine is logged by the code that does it.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

void commands_init(struct commands *c, const struct monitor_view *view);

/* Takes a sample every second; true: just now. */
bool commands_tick(struct commands *c, uint64_t now);

/* Carries out one line; core 0. */
void commands_run(struct commands *c, const char *line);

/* Gives the guest that had the keyboard last the terminal for itself. */
void commands_attach(struct commands *c);

/* Takes the terminal back from a guest that has been stopped. */
void commands_watch(struct commands *c);

/* For completion: command names, or guest names; NULL: no more. */
const char *commands_candidate(const struct commands *c, bool command, uint32_t index);
