/* SPDX-License-Identifier: MIT */
/*
 * cpuid_amd: which bits of an AMD processor's CPUID a guest gets to see; written for Zen 2 to 5. An
 * allow-list like vdev/cpuid_intel.c, held by the same rules: what a shown bit promises must work,
 * its MSRs have rows in vdev/msr_amd.c. tests/unit/vdev/test_vcpuid_amd.c holds the pairs. Pure.
 */
#include "vdev/cpuid_both.h"
#include "vdev/vendor.h"

/* Leaf 0x80000001 repeats most of leaf 1's EDX, with SYSCALL in place of SYSENTER. */
#define REPEATED_1D                                                                               \
    (CPUID_1D_FPU | CPUID_1D_VME | CPUID_1D_DE | CPUID_1D_PSE | CPUID_1D_TSC | CPUID_1D_MSR |     \
     CPUID_1D_PAE | CPUID_1D_CX8 | CPUID_1D_APIC | CPUID_1D_MTRR | CPUID_1D_PGE | CPUID_1D_CMOV | \
     CPUID_1D_PAT | CPUID_1D_PSE36 | CPUID_1D_MMX | CPUID_1D_FXSR)
#define SHOWN_1D (REPEATED_1D | CPUID_1D_SEP | CPUID_1D_CLFLUSH | CPUID_1D_SSE | CPUID_1D_SSE2)

#define SHOWN_7B                                                                          \
    (CPUID_7B_FSGSBASE | CPUID_7B_BMI1 | CPUID_7B_AVX2 | CPUID_7B_FDP_EXCPTN_ONLY |       \
     CPUID_7B_SMEP | CPUID_7B_BMI2 | CPUID_7B_ERMS | CPUID_7B_INVPCID | CPUID_7B_RDSEED | \
     CPUID_7B_ADX | CPUID_7B_SMAP | CPUID_7B_CLFLUSHOPT | CPUID_7B_CLWB | CPUID_7B_SHA |  \
     AVX512_7B)

#define SHOWN_7C                                                                              \
    (CPUID_7C_UMIP | CPUID_7C_GFNI | CPUID_7C_RDPID | CPUID_7C_MOVDIRI | CPUID_7C_MOVDIR64B | \
     AVX_7C | AVX512_7C)

#define SHOWN_7D (CPUID_7D_FSRM | AVX512_7D)

#define SHOWN_E1C                                                                 \
    (CPUID_E1C_LAHF | CPUID_E1C_LZCNT | CPUID_E1C_SSE4A | CPUID_E1C_MISALIGNSSE | \
     CPUID_E1C_PREFETCHW | CPUID_E1C_TOPOEXT)
#define SHOWN_E1D                                                                            \
    (REPEATED_1D | CPUID_E1D_SYSCALL | CPUID_E1D_NX | CPUID_E1D_MMXEXT | CPUID_E1D_PAGE_1G | \
     CPUID_E1D_RDTSCP | CPUID_E1D_LM)

#define SHOWN_E8B  (CPUID_E8B_CLZERO | CPUID_E8B_XSAVEERPTR)
#define SHOWN_E21A (CPUID_E21A_LFENCE_SERIALIZES | CPUID_E21A_NULL_CLEARS_BASE)

/* "Cache Properties": leaf 4 without its counts of cores. */
#define CACHE(number)                                                                     \
    {                                                                                     \
        .leaf = LEAF_EXTENDED + 0x1d, .subleaf = (number), .eax = 0x03ffc3ff, .ebx = ALL, \
        .ecx = ALL, .edx = 0x3, .fit = vcpuid_fit_cache_amd                               \
    }

/* As in vdev/cpuid_intel.c: a register that is not named keeps nothing. */
static const struct cpuid_rule rules[] = {
    /* The vendor; highest leaf computed. */
    {.leaf = 0x0, .ebx = ALL, .ecx = ALL, .edx = ALL, .fit = vcpuid_fit_highest},
    /* Family and model, brand index and CLFLUSH size; APIC id, core count computed. */
    {.leaf = 0x1,
     .eax = ALL,
     .ebx = 0x0000ffff,
     .ecx = SHOWN_1C,
     .edx = SHOWN_1D,
     .fit = vcpuid_fit_features_amd},
    /* Only that the APIC timer never stops. */
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
    /* The TSC rate is here alone: leaves 0x15 and 0x16 are Intel's. */
    CPUID_RULES_OURS,
    /* Highest leaf computed, the vendor again; features; the brand string. */
    {.leaf = LEAF_EXTENDED, .ebx = ALL, .ecx = ALL, .edx = ALL, .fit = vcpuid_fit_highest},
    {.leaf = LEAF_EXTENDED + 1, .ecx = SHOWN_E1C, .edx = SHOWN_E1D, .fit = vcpuid_fit_legacy},
    {.leaf = LEAF_EXTENDED + 2, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 3, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 4, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    /* L1; L2 and L3, with their TLBs. */
    {.leaf = LEAF_EXTENDED + 5, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 6, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    /* Invariant TSC is the processor's promise, or the operator's. */
    {.leaf = LEAF_EXTENDED + 7, .fit = vcpuid_fit_invariant_tsc},
    /* Address widths, core count and the width of an id: computed. */
    {.leaf = LEAF_EXTENDED + 8, .ebx = SHOWN_E8B, .fit = vcpuid_fit_sizes_amd},
    /* TLBs of 1 GiB pages; how wide SSE and AVX are carried out. */
    {.leaf = LEAF_EXTENDED + 0x19, .eax = ALL, .ebx = ALL},
    {.leaf = LEAF_EXTENDED + 0x1a, .eax = 0x7},
    /* Caches; extended ids: computed. Both only with TOPOEXT. */
    CACHE(0),
    CACHE(1),
    CACHE(2),
    CACHE(3),
    {.leaf = LEAF_EXTENDED + 0x1e, .fit = vcpuid_fit_ids_amd},
    {.leaf = LEAF_EXTENDED + 0x21, .eax = SHOWN_E21A},
};

const struct vcpuid_policy cpuid_amd = {rules, ARRAY_SIZE(rules)};

_Static_assert(ARRAY_SIZE(rules) < VCPUID_ROWS_MAX, "one row stays free: no such leaf");
_Static_assert(ARRAY_SIZE(rules) <= VCPUID_HOST_MAX, "the snapshot has room for all");
