/* SPDX-License-Identifier: MIT */
/*
 * task: a TSS for each core. It names the stack of #DF, which is what a fault becomes when its own
 * stack has no room for it: without one, a stack overflow would be a triple fault. It is the core's
 * stack from its end again: nothing returns from a double fault, so what was there is not missed.
 */
#pragma once

#include "lib/types.h"

#define TASK_IST_DF 1 /* of the gate of #DF, idt.c */

/* On the core itself, which has the kit's GDT. `stack`: its end. */
void task_load(uint32_t number, const void *stack);

/* The stack that an exception at CPL 3 switches to: its end. Loads the task again. Boot core. */
void task_user_stack(const void *stack);
