/* SPDX-License-Identifier: MIT */
/*
 * insn: stands before the real lib/x86/insn.h on the include path of the loader's host tests: the
 * loader's own files compile unchanged, and what they send to the serial port comes to the test.
 */
#pragma once

#include "lib/types.h"

uint8_t in8(uint16_t port);
void out8(uint16_t port, uint8_t value);
uint64_t rdtsc(void);
uint64_t read_cr3(void);
uint64_t read_cr4(void);
