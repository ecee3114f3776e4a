/* SPDX-License-Identifier: MIT */
/*
 * halt: finds a guest that can never run again: each of its cores is in HLT with interrupts off, or
 * waits for a start-up IPI. Only an NMI, INIT or SIPI of a sibling could end either, and no sibling
 * is left to send one. A core is asked only when somebody wants to know, as asking costs an exit.
 * Pure.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"

#define HALT_QUIET_SECONDS 10

/* On v's core, before it takes its kicks: from here on it may run. Returns what it was before. */
bool halt_wakes(struct vcpu *v);

/* On v's core, after its kicks. `ask`: whether it has halted is to be found out. */
void halt_look(struct vcpu *v, bool ask);

/* Any core: asks all cores of the guest. */
void halt_ask(struct vm *vm);

/* Core 0, once a second: asks a guest once, HALT_QUIET_SECONDS after its last exit, and then not
 * again until it has made another one: its steady state has no exits, not even rare ones. */
void halt_watch(struct vm *vm);
