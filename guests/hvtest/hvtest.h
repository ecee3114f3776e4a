/* SPDX-License-Identifier: MIT */
/*
 * hvtest: how a check says what it found. Each prints one line: `T <id> ok` or `T <id> BAD <why>`;
 * ids are unique and stay. All checks run on the boot core.
 */
#pragma once

#include "guests/kit/try.h"
#include "lib/types.h"

/* `why` is printed only when `ok` is false. */
void check(const char *id, bool ok, const char *why, ...) PRINTF_LIKE(3, 4);
void check_equal(const char *id, uint64_t got, uint64_t want);
void check_fault(const char *id, struct fault fault, uint8_t vector); /* error code 0 */
void check_no_fault(const char *id, struct fault fault);

/* The groups; order matters only where main.c says so. */
void hvtest_calls(void);
void hvtest_ring3(void);
void hvtest_cpuid(void);
void hvtest_msr(void);
void hvtest_control(void);
void hvtest_instructions(void);
void hvtest_ports(void);
void hvtest_apic_reset(void);
void hvtest_apic(void);
void hvtest_ipi(void);
void hvtest_timer(void);

/* instructions.c: those that no guest has; true when each was #UD at the present CPL. */
bool hvtest_all_undefined(const char **first_wrong);

/* ring3.c: runs `fn` at CPL 3 and returns its result; interrupts are off there. */
uint64_t ring3_run(uint64_t (*fn)(void));

/* registers.asm: all that a hypercall could change. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags;
};

/* Loads all of them, calls, and stores all of them. */
void registers_call(const struct registers *in, struct registers *out);
