/* SPDX-License-Identifier: MIT */
/*
 * wide: bases of more than 48 bits, which a processor with 57-bit linear addresses takes though no
 * guest is shown LA57. What follows is an entry with that base in place.
 */
#include "guests/hostile/endings.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define WIDE BIT64(47)

static void wide_msr(uint32_t index)
{
    const struct fault f = try_wrmsr(index, WIDE);

    if (!f.taken)
        cpuid(0, 0);
}

static void wide_fs(void)
{
    wide_msr(MSR_FS_BASE);
}

static void wide_gs(void)
{
    wide_msr(MSR_GS_BASE);
}

static void wide_sysenter_esp(void)
{
    wide_msr(MSR_SYSENTER_ESP);
}

static void wide_sysenter_eip(void)
{
    wide_msr(MSR_SYSENTER_EIP);
}

/* The processor checks these when they are used, which the entry does not. */
static void wide_unchecked(void)
{
    const uint32_t unchecked[] = {MSR_KERNEL_GS_BASE, MSR_LSTAR, MSR_CSTAR};

    for (uint32_t i = 0; i < ARRAY_SIZE(unchecked); i++)
        wide_msr(unchecked[i]);
    wide_gs(); /* the one that ends it */
}

const struct ending endings_wide[] = {
    {"MS-30", "wide-fs", wide_fs},
    {"MS-30", "wide-gs", wide_gs},
    {"MS-30", "wide-sysenter-esp", wide_sysenter_esp},
    {"MS-30", "wide-sysenter-eip", wide_sysenter_eip},
    {"MS-30", "wide-unchecked", wide_unchecked},
    {NULL, NULL, NULL},
};
