/* SPDX-License-Identifier: MIT */
/*
 * debugger_look: a stopped guest's registers and memory, for its debugger. docs/decisions/012
 */
#pragma once

#include "kernel/debug/command.h"
#include "kernel/monitor/debugger_answer.h"

/* Carries out a command of these kinds, and answers. */
void debugger_look_registers(struct debugger *d, const struct command *c);
void debugger_look_memory(struct debugger *d, const struct command *c);
