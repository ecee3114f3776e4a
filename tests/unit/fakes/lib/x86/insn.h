/* SPDX-License-Identifier: MIT */
/*
 * insn: stands before the real lib/x86/insn.h where a host test takes hardware code in unchanged
 * (tests/unit/unit.mk): the test says what each does. What is not here they must not use.
 */
#pragma once

#include "lib/types.h"

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t rdmsr(uint32_t index);
void wrmsr(uint32_t index, uint64_t value);
MUST_CHECK bool rdmsr_try(uint32_t index, uint64_t *value);
MUST_CHECK bool wrmsr_try(uint32_t index, uint64_t value);
void wrmsr_halves(uint32_t index, uint32_t high, uint32_t low);
uint64_t rdtsc(void);
uint8_t in8(uint16_t port);
void out8(uint16_t port, uint8_t value);
void cpu_pause(void);
void mfence_lfence(void);
uint64_t read_cr0(void);
void write_cr0(uint64_t value);
uint64_t read_cr3(void);
void write_cr3(uint64_t value);
uint64_t read_cr4(void);
void write_cr4(uint64_t value);
uint64_t read_cr2(void);
void write_cr2(uint64_t value);
uint64_t read_dr0(void);
uint64_t read_dr1(void);
uint64_t read_dr2(void);
uint64_t read_dr3(void);
uint64_t read_dr6(void);
void write_dr0(uint64_t value);
void write_dr1(uint64_t value);
void write_dr2(uint64_t value);
void write_dr3(uint64_t value);
void write_dr6(uint64_t value);
void write_dr7(uint64_t value);
void wbinvd(void);
void invlpg(uint64_t address);
void verw_own_segment(void);
void xsetbv(uint32_t index, uint64_t value);
void iret_here(void);
