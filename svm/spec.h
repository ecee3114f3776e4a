/* SPDX-License-Identifier: MIT */
/*
 * spec: the speculation measures at the border between a guest and the hypervisor, chosen once from
 * what the processor reports. Pure: svm/cpu.c, run.c and switch.asm carry it out. AMD "Software
 * Techniques for Managing Speculation", "Technical Guidance for Mitigating Branch Type Confusion",
 * "Technical Update Regarding Speculative Return Stack Overflow", "Transient Scheduler Attacks".
 *
 * No indirect branch is on the way from an exit to the next entry (scripts/branches). Returns are,
 * and on some of these processors any branch can be taken for one of the guest's: there a barrier
 * at each exit forgets what the guest taught. Exits are seldom; so it may be dear.
 */
#pragma once

#include "lib/types.h"

/* What the processor says; 0 where a leaf does not exist. */
struct svm_spec_cpu {
    uint32_t family;      /* base and extended together */
    uint32_t features;    /* CPUID Fn8000_0008:EBX */
    uint32_t features_2;  /* CPUID Fn8000_0021:EAX */
    uint32_t features_2c; /* CPUID Fn8000_0021:ECX */
};

enum svm_at_exit {
    AT_EXIT_NOTHING, /* the processor itself forgets returns: automatic IBRS */
    AT_EXIT_FILL,    /* so many calls that no return finds an entry of the guest's */
    AT_EXIT_BARRIER, /* IBPB, and the same */
};

struct svm_spec_plan {
    uint64_t spec_ctrl; /* SPEC_CTRL of our cores for good; a guest cannot change it */
    bool has_spec_ctrl;
    bool barrier;        /* IBPB before each life of a guest */
    bool automatic_ibrs; /* EFER.AIBRSE for good */
    bool clears_buffers; /* VERW at each entry */
    enum svm_at_exit at_exit;
};

struct svm_spec_plan svm_spec_choose(const struct svm_spec_cpu *cpu);

/* One plan serves both cores. */
bool svm_spec_same(const struct svm_spec_plan *a, const struct svm_spec_plan *b);

/* "speculation: ..." for the log. */
void svm_spec_print(const struct svm_spec_plan *plan, char *buf, size_t size);
