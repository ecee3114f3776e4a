/* SPDX-License-Identifier: MIT */
/*
 * cpuid_both: what the tables of both vendors show in the same way. Included by those tables.
 */
#pragma once

#include "vdev/vcpuid_bits.h"
#include "vdev/vcpuid_fit.h"

#define ALL UINT32_MAX

#define SHOWN_1C                                                                              \
    (CPUID_1C_SSE3 | CPUID_1C_PCLMULQDQ | CPUID_1C_SSSE3 | CPUID_1C_FMA | CPUID_1C_CX16 |     \
     CPUID_1C_PCID | CPUID_1C_SSE4_1 | CPUID_1C_SSE4_2 | CPUID_1C_X2APIC | CPUID_1C_MOVBE |   \
     CPUID_1C_POPCNT | CPUID_1C_TSC_DEADLINE | CPUID_1C_AES | CPUID_1C_XSAVE | CPUID_1C_AVX | \
     CPUID_1C_F16C | CPUID_1C_RDRAND)

#define SHOWN_7_1A                                                                           \
    (CPUID_7_1A_CMPCCXADD | CPUID_7_1A_FZRM | CPUID_7_1A_FSRS | CPUID_7_1A_FSRC | AVX_7_1A | \
     CPUID_7_1A_AVX512_BF16)

#define SHOWN_7_1D (CPUID_7_1D_PREFETCHI | AVX_7_1D)

#define SHOWN_D_1A (CPUID_D_1A_XSAVEOPT | CPUID_D_1A_XSAVEC | CPUID_D_1A_XGETBV1)

/* A rule, in a list of rules. */
#define CPUID_RULE(...) \
    {                   \
        __VA_ARGS__     \
    }

/* XSAVE: 0 computed; components 2 (AVX) and 5 to 7 (AVX-512) only when they are allowed. */
#define CPUID_RULES_XSAVE                                                          \
    CPUID_RULE(.leaf = 0xd, .subleaf = 0),                                         \
        CPUID_RULE(.leaf = 0xd, .subleaf = 1, .eax = SHOWN_D_1A),                  \
        CPUID_RULE(.leaf = 0xd, .subleaf = 2, .eax = ALL, .ebx = ALL, .ecx = 0x2), \
        CPUID_RULE(.leaf = 0xd, .subleaf = 5, .eax = ALL, .ebx = ALL, .ecx = 0x2), \
        CPUID_RULE(.leaf = 0xd, .subleaf = 6, .eax = ALL, .ebx = ALL, .ecx = 0x2), \
        CPUID_RULE(.leaf = 0xd, .subleaf = 7, .eax = ALL, .ebx = ALL, .ecx = 0x2)

/* Ours, and KVM's name with one feature behind it: computed. */
#define CPUID_RULES_OURS                                                 \
    CPUID_RULE(.leaf = LEAF_HYPERVISOR, .fit = vcpuid_fit_name),         \
        CPUID_RULE(.leaf = LEAF_HYPERVISOR + 1, .fit = vcpuid_fit_abi),  \
        CPUID_RULE(.leaf = LEAF_HYPERVISOR + 2, .fit = vcpuid_fit_time), \
        CPUID_RULE(.leaf = LEAF_KVM, .fit = vcpuid_fit_name),            \
        CPUID_RULE(.leaf = LEAF_KVM + 1, .fit = vcpuid_fit_kvm)
