/* SPDX-License-Identifier: MIT */
/*
 * spec: the speculation measures at the border between a guest and the hypervisor, chosen once from
 * what the processor reports. Pure: vmx/cpu.c, run.c and switch.asm carry it out. Intel
 * "Speculative Execution Side Channel Mitigations"; SDM "IA32_ARCH_CAPABILITIES".
 *
 * No indirect branch is on the way from an exit to the next entry (scripts/branches), so neither is
 * IBRS written at each exit nor the branch history cleared: there is nothing that either would
 * protect. Returns are; and what our data leaves in buffers and in the first-level cache is.
 */
#pragma once

#include "lib/types.h"

/* What the processor says; 0 where a leaf or the register does not exist. */
struct spec_cpu {
    uint32_t features;  /* CPUID.(7,0):EDX */
    uint32_t controls;  /* CPUID.(7,2):EDX */
    uint64_t arch_caps; /* IA32_ARCH_CAPABILITIES */
    bool has_tsx;       /* CPUID.(7,0):EBX.RTM */
};

enum spec_exit {
    SPEC_EXIT_PLAIN,
    SPEC_EXIT_ONE,  /* one call, for the return that comes first (post-barrier RSB) */
    SPEC_EXIT_FILL, /* so many calls that no return finds an entry of the guest's */
};

enum spec_entry { SPEC_ENTRY_VERW = 1, SPEC_ENTRY_L1D = 2 };

struct spec_plan {
    uint64_t spec_ctrl; /* IA32_SPEC_CTRL of our cores for good; a guest cannot change it */
    bool has_spec_ctrl;
    bool barrier; /* IBPB before each life of a guest */
    enum spec_exit at_exit;
    uint32_t at_entry; /* enum spec_entry */
    bool stops_tsx;    /* transactions, which guests are not shown, can be turned off */
    bool small_leaves; /* a guest that changes the size of a page of its code under itself can raise
                        * a machine check: its memory is mapped by 4 KiB leaves only, so there is no
                        * other size. Intel "Machine Check Error on Page Size Change" */
};

struct spec_plan spec_choose(const struct spec_cpu *cpu);

/* One plan serves both cores. */
bool spec_same(const struct spec_plan *a, const struct spec_plan *b);

/* "speculation: ..." for the log. */
void spec_print(const struct spec_cpu *cpu, const struct spec_plan *plan, char *buf, size_t size);
