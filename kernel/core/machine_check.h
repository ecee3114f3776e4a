/* SPDX-License-Identifier: MIT */
/*
 * machine_check: errors that the processor reports in its banks: signalling turned on at a core's
 * start, and on #MC who has to end: nobody, the guest that was running, or the machine. SDM
 * "Machine-Check Architecture"; APM "Machine Check Architecture".
 */
#pragma once

#include "lib/types.h"
#include "mm/guest_map.h"

#define MACHINE_CHECK_BANKS_MAX 32 /* as many as have MSRs in Intel's range */

/* Whether errors without PCC can be told apart, and how. */
enum machine_check_kind {
    MACHINE_CHECK_PLAIN, /* they cannot */
    MACHINE_CHECK_INTEL, /* MCG_CAP.SER_P: S and AR in the status, the address's kind in MISC */
    MACHINE_CHECK_AMD,   /* CPUID Fn8000_0007:EBX.SUCCOR: poison in the status */
};

/* What a core's registers say. */
struct machine_check {
    enum machine_check_kind kind;
    uint64_t global; /* MCG_STATUS */
    uint32_t count;
    struct machine_check_bank {
        uint64_t status, address, misc; /* 0 where the status says that there is none */
    } banks[MACHINE_CHECK_BANKS_MAX];
};

enum machine_check_end {
    MACHINE_CHECK_NOBODY,  /* nothing here was hit: another core was, or no one used the data yet */
    MACHINE_CHECK_GUEST,   /* what the guest consumed was in memory that it has, shared or not */
    MACHINE_CHECK_MACHINE, /* anything else */
};

/* `map`: of the guest that was running; NULL: we were. Pure. */
enum machine_check_end machine_check_judge(const struct machine_check *check,
                                           const struct guest_map *map);

/* "machine check: MCG_STATUS ...; bank ..." Pure. */
void machine_check_print(const struct machine_check *check, char *buf, size_t size);

/* Turns signalling on for this core; logs what is left of the time before, and clears it. False:
 * CPUID promises the registers, and they are not there. After the IDT. */
MUST_CHECK bool machine_check_init(void);

/* After a #MC on this core, once per #MC: judges, makes room for the next, and panics if it was the
 * machine's. With a guest, the log says what there was; else nothing may be logged. */
enum machine_check_end machine_check_take(const struct guest_map *map);
