/* SPDX-License-Identifier: MIT */
/*
 * insn: stands before the real lib/x86/insn.h where a host test takes hardware code in unchanged
 * (tests/unit/unit.mk): the test says what each does. What is not here they must not use.
 */
#pragma once

#include "lib/types.h"

uint64_t rdmsr(uint32_t index);
void wrmsr(uint32_t index, uint64_t value);
uint64_t rdtsc(void);
uint64_t read_cr0(void);
void write_cr0(uint64_t value);
uint64_t read_cr4(void);
void write_cr4(uint64_t value);
uint64_t read_dr6(void);
void write_dr6(uint64_t value);
void verw_own_segment(void);
