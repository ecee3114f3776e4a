/* SPDX-License-Identifier: MIT */
/*
 * debugger: the stub of gdb's remote protocol, for the one guest whose section says `debug`: what
 * comes in at the machine's second serial port, and the answers. docs/study/gdb.md
 */
#pragma once

#include "kernel/monitor/debugger_answer.h"

void debugger_begin(struct debugger *d, struct vm *vm);

/* Does what can be done at once. The monitor's core, every 200 us or so: the port's FIFO has 16
 * bytes. */
void debugger_tick(struct debugger *d);
