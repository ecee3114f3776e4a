/* SPDX-License-Identifier: MIT */
/*
 * cpuid_intel: which bits of an Intel processor's CPUID a guest gets to see. An allow-list: a leaf
 * without a row answers zero, a bit without a name in its row is 0. What a shown bit promises must
 * work: its MSRs have rows in vdev/msr_intel.c, its CR4 bits are in vcpuid_cr4_allowed(), its
 * VM-execution control is on. tests/unit/vdev/test_vcpuid.c holds the pairs. Pure.
 */
#include "vdev/cpuid_both.h"
#include "vdev/vendor.h"

#define SHOWN_1D                                                                                 \
    (CPUID_1D_FPU | CPUID_1D_VME | CPUID_1D_DE | CPUID_1D_PSE | CPUID_1D_TSC | CPUID_1D_MSR |    \
     CPUID_1D_PAE | CPUID_1D_CX8 | CPUID_1D_APIC | CPUID_1D_SEP | CPUID_1D_MTRR | CPUID_1D_PGE | \
     CPUID_1D_CMOV | CPUID_1D_PAT | CPUID_1D_PSE36 | CPUID_1D_CLFLUSH | CPUID_1D_MMX |           \
     CPUID_1D_FXSR | CPUID_1D_SSE | CPUID_1D_SSE2 | CPUID_1D_SS)

#define SHOWN_7B                                                                                \
    (CPUID_7B_FSGSBASE | CPUID_7B_BMI1 | CPUID_7B_AVX2 | CPUID_7B_FDP_EXCPTN_ONLY |             \
     CPUID_7B_SMEP | CPUID_7B_BMI2 | CPUID_7B_ERMS | CPUID_7B_INVPCID | CPUID_7B_ZERO_FCS_FDS | \
     CPUID_7B_RDSEED | CPUID_7B_ADX | CPUID_7B_SMAP | CPUID_7B_CLFLUSHOPT | CPUID_7B_CLWB |     \
     CPUID_7B_SHA | AVX512_7B)

#define SHOWN_7C                                                                             \
    (CPUID_7C_UMIP | CPUID_7C_GFNI | CPUID_7C_RDPID | CPUID_7C_CLDEMOTE | CPUID_7C_MOVDIRI | \
     CPUID_7C_MOVDIR64B | AVX_7C | AVX512_7C)

#define SHOWN_7D \
    (CPUID_7D_FSRM | CPUID_7D_MD_CLEAR | CPUID_7D_SERIALIZE | CPUID_7D_HYBRID | AVX512_7D)

#define SHOWN_E1C (CPUID_E1C_LAHF | CPUID_E1C_LZCNT | CPUID_E1C_PREFETCHW)
#define SHOWN_E1D \
    (CPUID_E1D_SYSCALL | CPUID_E1D_NX | CPUID_E1D_PAGE_1G | CPUID_E1D_RDTSCP | CPUID_E1D_LM)

/* "Deterministic Cache Parameters Leaf". */
#define CACHE(number)                                                                            \
    {                                                                                            \
        .leaf = 0x4, .subleaf = (number), .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7, \
        .fit = vcpuid_fit_cache                                                                  \
    }

/* A register that is not named keeps nothing; "computed": by the row's `fit`, 0xd by
 * vcpuid_build(). */
static const struct cpuid_rule rules[] = {
    /* The vendor; highest leaf computed. */
    {.leaf = 0x0, .ebx = ALL, .ecx = ALL, .edx = ALL, .fit = vcpuid_fit_highest},
    /* Family and model, brand index and CLFLUSH size; APIC id, id count computed. */
    {.leaf = 0x1,
     .eax = ALL,
     .ebx = 0x0000ffff,
     .ecx = SHOWN_1C,
     .edx = SHOWN_1D,
     .fit = vcpuid_fit_features},
    /* Caches and TLBs, the old way and the new; in 4 the sharing is computed. */
    {.leaf = 0x2, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    CACHE(0),
    CACHE(1),
    CACHE(2),
    CACHE(3),
    CACHE(4),
    CACHE(5),
    /* Power and heat are not the guest's; only that the APIC timer never stops. */
    {.leaf = 0x6, .eax = CPUID_6A_ARAT},
    /* EAX, the highest subleaf, computed. */
    {.leaf = 0x7,
     .subleaf = 0,
     .ebx = SHOWN_7B,
     .ecx = SHOWN_7C,
     .edx = SHOWN_7D,
     .fit = vcpuid_fit_subleaves},
    {.leaf = 0x7, .subleaf = 1, .eax = SHOWN_7_1A, .edx = SHOWN_7_1D},
    /* Topology: computed. */
    {.leaf = 0xb, .subleaf = 0, .fit = vcpuid_fit_topology},
    {.leaf = 0xb, .subleaf = 1, .fit = vcpuid_fit_topology},
    CPUID_RULES_XSAVE,
    /* TSC rate: computed, so that no guest has to calibrate. In 0x16 the bus clock is kept. */
    {.leaf = 0x15, .fit = vcpuid_fit_tsc},
    {.leaf = 0x16, .ecx = 0xffff, .fit = vcpuid_fit_mhz},
    /* The core's kind, where there are several. */
    {.leaf = 0x1a, .eax = ALL},
    CPUID_RULES_OURS,
    /* Highest leaf computed; features; the brand string; L2; address widths computed. */
    {.leaf = LEAF_EXTENDED, .fit = vcpuid_fit_highest},
    {.leaf = LEAF_EXTENDED + 1, .ecx = SHOWN_E1C, .edx = SHOWN_E1D},
    {.leaf = LEAF_EXTENDED + 2, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 3, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 4, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 6, .ecx = ALL},
    /* Invariant TSC is the processor's promise, or the operator's. */
    {.leaf = LEAF_EXTENDED + 7, .fit = vcpuid_fit_invariant_tsc},
    {.leaf = LEAF_EXTENDED + 8, .fit = vcpuid_fit_widths},
};

const struct vcpuid_policy cpuid_intel = {rules, ARRAY_SIZE(rules)};

_Static_assert(ARRAY_SIZE(rules) < VCPUID_ROWS_MAX, "one row stays free: no such leaf");
_Static_assert(ARRAY_SIZE(rules) <= VCPUID_HOST_MAX, "the snapshot has room for all");
