/* SPDX-License-Identifier: MIT */
/*
 * commands_look: the monitor's read-only commands. Core 0.
 */
#pragma once

#include "kernel/monitor/view.h"
#include "lib/types.h"

const char *commands_phase_name(const struct vm *vm);

/* Who has the keyboard, and each guest with its state, in one line for the screen. */
void commands_status(const struct commands *c, char *buf, size_t size);

/* Exits of all its cores in the present life. */
uint64_t commands_exits(const struct vm *vm);

/* Makes the vCPU's core answer `kick`, KICK_SHOW or KICK_FIELDS; another core's vCPU. False: its
 * core does not answer. */
MUST_CHECK bool commands_ask(const struct commands *c, struct vcpu *v, enum kick kick);

/* `vm` is NULL for those that take no guest. */
void commands_on_list(struct commands *c, struct vm *vm);
void commands_on_regs(struct commands *c, struct vm *vm);
void commands_on_vmcs(struct commands *c, struct vm *vm);
void commands_on_vmcb(struct commands *c, struct vm *vm);
void commands_on_crash(struct commands *c, struct vm *vm);
void commands_on_stats(struct commands *c, struct vm *vm);
void commands_on_trace(struct commands *c, struct vm *vm);
void commands_on_plan(struct commands *c, struct vm *vm);
void commands_on_isolation(struct commands *c, struct vm *vm);
void commands_on_log(struct commands *c, struct vm *vm);
void commands_on_log_last(struct commands *c, struct vm *vm);
void commands_on_cpu(struct commands *c, struct vm *vm);
void commands_on_memory(struct commands *c, struct vm *vm);
void commands_on_machine(struct commands *c, struct vm *vm);
void commands_on_pci(struct commands *c, struct vm *vm);
