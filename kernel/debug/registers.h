/* SPDX-License-Identifier: MIT */
/*
 * registers: a vCPU's registers as gdb numbers them, and which of them it may change. GDB "Standard
 * Target Features", "i386 Features". Pure.
 */
#pragma once

#include "kernel/virt.h"
#include "lib/types.h"

#define REGISTERS_BYTES_MAX 10 /* of an x87 register */

/* The description of all of them, which the debugger asks for: XML. */
extern const char registers_xml[];

uint32_t registers_count(void);

/* Bytes; 0: there is no such register. */
uint32_t registers_size(uint32_t number);

/* False: it is not known (FPU and vector registers are not saved at an exit). */
MUST_CHECK bool registers_get(const struct vcpu_state *state, uint32_t number, uint64_t *value);

/* False: it cannot be changed, or not to this. What can: general registers, RIP (to where an
 * instruction can be in this mode), the arithmetic flags and DF. */
MUST_CHECK bool registers_set(struct vcpu_state *state, uint32_t number, uint64_t value);
