/* SPDX-License-Identifier: MIT */
/*
 * cpuid: a leaf where the processor has it, and who made the processor. SDM "CPUID—CPU
 * Identification", APM "CPUID Fn0000_0000".
 */
#pragma once

#include "lib/x86/insn.h"

/* All zero where there is no such leaf: there processors answer with another's words. */
static inline struct cpuid_regs cpuid_leaf(uint32_t leaf, uint32_t subleaf)
{
    const uint32_t first = leaf & 0xffff0000; /* basic, hypervisor's, extended */

    return leaf <= cpuid(first, 0).eax ? cpuid(leaf, subleaf) : (struct cpuid_regs){0};
}

static inline bool cpuid_vendor_is(uint32_t ebx, uint32_t edx, uint32_t ecx)
{
    const struct cpuid_regs r = cpuid(0, 0);

    return r.ebx == ebx && r.edx == edx && r.ecx == ecx;
}

static inline bool cpuid_is_intel(void)
{
    return cpuid_vendor_is(0x756e6547, 0x49656e69, 0x6c65746e); /* "GenuineIntel" */
}

/* QEMU without KVM, by its signature "TCGTCGTCGTCG". */
static inline bool cpuid_is_tcg(void)
{
    return (cpuid(1, 0).ecx >> 31 & 1) && cpuid(0x40000000, 0).ebx == 0x54474354;
}

/* Or Hygon, whose processors are AMD's. */
static inline bool cpuid_is_amd(void)
{
    return cpuid_vendor_is(0x68747541, 0x69746e65, 0x444d4163) || /* "AuthenticAMD" */
           cpuid_vendor_is(0x6f677948, 0x6e65476e, 0x656e6975);   /* "HygonGenuine" */
}
