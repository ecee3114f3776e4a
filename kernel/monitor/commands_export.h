/* SPDX-License-Identifier: MIT */
/*
 * commands_export: `trace export GUEST`. A long trace is more than the console takes at once, so it
 * is said some rows at a time, whenever what was said before is out. Core 0. Pure.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

/* Begins; one at a time. */
void commands_on_export(struct commands *c, struct vm *vm);

/* Goes on with the one that was begun, where the console has room; `now`: TSC. True: it said
 * something. */
bool commands_export_step(struct commands *c, uint64_t now);
