/* SPDX-License-Identifier: MIT */
/*
 * hostile: how a check says what it found. Each prints one line: `T <row>/<id> ok` or
 * `T <row>/<id> BAD <why>`, or `T <row>/<id> gap <why>` where this emulator cannot (gaps.c). A row
 * is one kind of attack, see tests/abuse-rows.txt; "ABI" is no attack but the interface itself,
 * docs/guest-abi.md. All checks run on the boot core.
 */
#pragma once

#include "guests/kit/try.h"
#include "lib/types.h"

/* The checks that follow are about this row. */
void row(const char *name);

/* `why` is printed only when `ok` is false. */
void check(const char *id, bool ok, const char *why, ...) PRINTF_LIKE(3, 4);
void check_equal(const char *id, uint64_t got, uint64_t want);
void check_fault(const char *id, struct fault fault, uint8_t vector); /* error code 0 */
void check_no_fault(const char *id, struct fault fault);

/* False: this emulator cannot do it, which is said. */
bool can_try(const char *id);

/* check_fault() of an attempt that is not made where this emulator cannot. */
#define CHECK_FAULT(id, attempt, vector)      \
    do {                                      \
        if (can_try(id))                      \
            check_fault(id, attempt, vector); \
    } while (0)

/* gaps.c: why a check fails in this emulator or is not tried there; NULL: it is to pass. */
const char *gaps_failing(const char *id);
const char *gaps_unjudged(const char *id);
const char *gaps_untried(const char *id);

/* An AMD processor, by its own word, and not an Intel. */
bool hostile_on_amd(void);

/* The groups of a guest with one core; order matters only where main.c says so. */
void hostile_calls(void);
void hostile_ring3(void);
void hostile_cpuid(void);
void hostile_msr(void);
void hostile_msr_amd(void); /* on an AMD processor only */
void hostile_msr_sweep(void);
void hostile_control(void);
void hostile_instructions(void);
void hostile_ports(void);
void hostile_pci(void);
void hostile_links(void);
void hostile_devices(void);
void hostile_tables(void);
void hostile_apic_reset(void);
void hostile_apic(void);
void hostile_ipi(void);
void hostile_timer(void);
void hostile_debug(void);
void hostile_exceptions(void);
void hostile_limits(void);
void hostile_memory_start(void);
void hostile_memory(void);
void hostile_modes(void);

/* A guest with several cores: all that, and a life that all of them end at once. */
void hostile_cores(void);
NORETURN void hostile_race(void);

/* endings.c: attacks that end the guest, one a life; which one is typed at its console. */
NORETURN void hostile_endings(void);

/* instructions.c: those that no guest has; true when each was #UD at the present CPL,
 * or a #GP where AMD's processors have that first. */
bool hostile_all_undefined(const char **first_wrong, bool at_cpl_3);

/* ring3.c: before the first ring3_run(). */
void ring3_init(void);

/* ring3.c: runs `fn` at CPL 3 and returns its result; interrupts are off there. */
uint64_t ring3_run(uint64_t (*fn)(void));

/* registers.asm: all that a hypercall could change. */
struct registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags;
};

/* Loads all of them, calls, and stores all of them. */
void registers_call(const struct registers *in, struct registers *out);
