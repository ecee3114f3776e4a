/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_policy: which bits of the host's CPUID a guest gets to see. An allow-list: a leaf without
 * a row answers zero, a bit without a name in its row is 0. What a shown bit promises must work:
 * its MSRs have rows in vdev/vmsr.c, its CR4 bits are in vcpuid_cr4_allowed(), its VM-execution
 * control is on. tests/unit/vdev/test_vcpuid.c holds the pairs. Pure.
 */
#include "vdev/vcpuid_policy.h"

#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "vdev/vcpuid_bits.h"

#define ALL UINT32_MAX

#define SHOWN_1C                                                                              \
    (CPUID_1C_SSE3 | CPUID_1C_PCLMULQDQ | CPUID_1C_SSSE3 | CPUID_1C_FMA | CPUID_1C_CX16 |     \
     CPUID_1C_PCID | CPUID_1C_SSE4_1 | CPUID_1C_SSE4_2 | CPUID_1C_X2APIC | CPUID_1C_MOVBE |   \
     CPUID_1C_POPCNT | CPUID_1C_TSC_DEADLINE | CPUID_1C_AES | CPUID_1C_XSAVE | CPUID_1C_AVX | \
     CPUID_1C_F16C | CPUID_1C_RDRAND)

#define SHOWN_1D                                                                                 \
    (CPUID_1D_FPU | CPUID_1D_VME | CPUID_1D_DE | CPUID_1D_PSE | CPUID_1D_TSC | CPUID_1D_MSR |    \
     CPUID_1D_PAE | CPUID_1D_CX8 | CPUID_1D_APIC | CPUID_1D_SEP | CPUID_1D_MTRR | CPUID_1D_PGE | \
     CPUID_1D_CMOV | CPUID_1D_PAT | CPUID_1D_PSE36 | CPUID_1D_CLFLUSH | CPUID_1D_MMX |           \
     CPUID_1D_FXSR | CPUID_1D_SSE | CPUID_1D_SSE2 | CPUID_1D_SS)

#define AVX512_7B                                                                      \
    (CPUID_7B_AVX512F | CPUID_7B_AVX512DQ | CPUID_7B_AVX512_IFMA | CPUID_7B_AVX512CD | \
     CPUID_7B_AVX512BW | CPUID_7B_AVX512VL)
#define SHOWN_7B                                                                                \
    (CPUID_7B_FSGSBASE | CPUID_7B_BMI1 | CPUID_7B_AVX2 | CPUID_7B_FDP_EXCPTN_ONLY |             \
     CPUID_7B_SMEP | CPUID_7B_BMI2 | CPUID_7B_ERMS | CPUID_7B_INVPCID | CPUID_7B_ZERO_FCS_FDS | \
     CPUID_7B_RDSEED | CPUID_7B_ADX | CPUID_7B_SMAP | CPUID_7B_CLFLUSHOPT | CPUID_7B_CLWB |     \
     CPUID_7B_SHA | AVX512_7B)

#define AVX_7C (CPUID_7C_VAES | CPUID_7C_VPCLMULQDQ)
#define AVX512_7C                                                          \
    (CPUID_7C_AVX512_VBMI | CPUID_7C_AVX512_VBMI2 | CPUID_7C_AVX512_VNNI | \
     CPUID_7C_AVX512_BITALG | CPUID_7C_AVX512_VPOPCNTDQ)
#define SHOWN_7C                                                                             \
    (CPUID_7C_UMIP | CPUID_7C_GFNI | CPUID_7C_RDPID | CPUID_7C_CLDEMOTE | CPUID_7C_MOVDIRI | \
     CPUID_7C_MOVDIR64B | AVX_7C | AVX512_7C)

#define AVX512_7D (CPUID_7D_AVX512_VP2INTERSECT | CPUID_7D_AVX512_FP16)
#define SHOWN_7D  (CPUID_7D_FSRM | CPUID_7D_MD_CLEAR | CPUID_7D_SERIALIZE | AVX512_7D)

#define AVX_7_1A                                                                 \
    (CPUID_7_1A_SHA512 | CPUID_7_1A_SM3 | CPUID_7_1A_SM4 | CPUID_7_1A_AVX_VNNI | \
     CPUID_7_1A_AVX_IFMA)
#define SHOWN_7_1A                                                                           \
    (CPUID_7_1A_CMPCCXADD | CPUID_7_1A_FZRM | CPUID_7_1A_FSRS | CPUID_7_1A_FSRC | AVX_7_1A | \
     CPUID_7_1A_AVX512_BF16)

#define AVX_7_1D (CPUID_7_1D_AVX_VNNI_INT8 | CPUID_7_1D_AVX_NE_CONVERT | CPUID_7_1D_AVX_VNNI_INT16)

#define SHOWN_7_1D (CPUID_7_1D_PREFETCHI | AVX_7_1D)

#define SHOWN_D_1A (CPUID_D_1A_XSAVEOPT | CPUID_D_1A_XSAVEC | CPUID_D_1A_XGETBV1)

#define SHOWN_E1C (CPUID_E1C_LAHF | CPUID_E1C_LZCNT | CPUID_E1C_PREFETCHW)
#define SHOWN_E1D \
    (CPUID_E1D_SYSCALL | CPUID_E1D_NX | CPUID_E1D_PAGE_1G | CPUID_E1D_RDTSCP | CPUID_E1D_LM)

/* A register that is not named keeps nothing; "computed" means by fit_row() in vdev/vcpuid.c. */
const struct cpuid_row vcpuid_policy[] = {
    /* The vendor; highest leaf computed. */
    {.leaf = 0x0, .ebx = ALL, .ecx = ALL, .edx = ALL},
    /* Family and model, brand index and CLFLUSH size; APIC id, id count computed. */
    {.leaf = 0x1, .eax = ALL, .ebx = 0x0000ffff, .ecx = SHOWN_1C, .edx = SHOWN_1D},
    /* Caches and TLBs, the old way and the new; in 4 the sharing is computed. */
    {.leaf = 0x2, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = 0x4, .subleaf = 0, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    {.leaf = 0x4, .subleaf = 1, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    {.leaf = 0x4, .subleaf = 2, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    {.leaf = 0x4, .subleaf = 3, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    {.leaf = 0x4, .subleaf = 4, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    {.leaf = 0x4, .subleaf = 5, .eax = 0x00003fff, .ebx = ALL, .ecx = ALL, .edx = 0x7},
    /* Power and heat are not the guest's; only that the APIC timer never stops. */
    {.leaf = 0x6, .eax = CPUID_6A_ARAT},
    /* EAX, the highest subleaf, computed. */
    {.leaf = 0x7, .subleaf = 0, .ebx = SHOWN_7B, .ecx = SHOWN_7C, .edx = SHOWN_7D},
    {.leaf = 0x7, .subleaf = 1, .eax = SHOWN_7_1A, .edx = SHOWN_7_1D},
    /* Topology: computed. */
    {.leaf = 0xb, .subleaf = 0},
    {.leaf = 0xb, .subleaf = 1},
    /* XSAVE: 0 computed; components 2 (AVX) and 5 to 7 (AVX-512) only when they are allowed. */
    {.leaf = 0xd, .subleaf = 0},
    {.leaf = 0xd, .subleaf = 1, .eax = SHOWN_D_1A},
    {.leaf = 0xd, .subleaf = 2, .eax = ALL, .ebx = ALL, .ecx = 0x2},
    {.leaf = 0xd, .subleaf = 5, .eax = ALL, .ebx = ALL, .ecx = 0x2},
    {.leaf = 0xd, .subleaf = 6, .eax = ALL, .ebx = ALL, .ecx = 0x2},
    {.leaf = 0xd, .subleaf = 7, .eax = ALL, .ebx = ALL, .ecx = 0x2},
    /* TSC rate: computed, so that no guest has to calibrate. In 0x16 the bus clock is kept. */
    {.leaf = 0x15},
    {.leaf = 0x16, .ecx = 0xffff},
    /* Ours, and KVM's name with no feature behind it: computed. */
    {.leaf = LEAF_HYPERVISOR},
    {.leaf = LEAF_HYPERVISOR + 1},
    {.leaf = LEAF_HYPERVISOR + 2},
    {.leaf = LEAF_KVM},
    {.leaf = LEAF_KVM + 1},
    /* Highest leaf computed; features; the brand string; L2; address widths computed. */
    {.leaf = LEAF_EXTENDED},
    {.leaf = LEAF_EXTENDED + 1, .ecx = SHOWN_E1C, .edx = SHOWN_E1D},
    {.leaf = LEAF_EXTENDED + 2, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 3, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 4, .eax = ALL, .ebx = ALL, .ecx = ALL, .edx = ALL},
    {.leaf = LEAF_EXTENDED + 6, .ecx = ALL},
    {.leaf = LEAF_EXTENDED + 7}, /* computed: invariant TSC is our promise */
    {.leaf = LEAF_EXTENDED + 8},
};
const uint32_t vcpuid_policy_count = ARRAY_SIZE(vcpuid_policy);

_Static_assert(ARRAY_SIZE(vcpuid_policy) < VCPUID_ROWS_MAX, "one row stays free: no such leaf");
_Static_assert(ARRAY_SIZE(vcpuid_policy) <= VCPUID_HOST_MAX, "the snapshot has room for all");

/* What goes away with XCR0 as a whole, or with a component that the guest may not enable. */
static const struct cpuid_row needs_xcr0[] = {
    {.leaf = 0x1, .ecx = CPUID_1C_XSAVE},
    {.leaf = 0xd, .subleaf = 1, .eax = ALL},
};
static const struct cpuid_row needs_avx[] = {
    {.leaf = 0x1, .ecx = CPUID_1C_AVX | CPUID_1C_FMA | CPUID_1C_F16C},
    {.leaf = 0x7, .subleaf = 0, .ebx = CPUID_7B_AVX2, .ecx = AVX_7C},
    {.leaf = 0x7, .subleaf = 1, .eax = AVX_7_1A, .edx = AVX_7_1D},
    {.leaf = 0xd, .subleaf = 2, .eax = ALL, .ebx = ALL, .ecx = ALL},
};
static const struct cpuid_row needs_avx512[] = {
    {.leaf = 0x7, .subleaf = 0, .ebx = AVX512_7B, .ecx = AVX512_7C, .edx = AVX512_7D},
    {.leaf = 0x7, .subleaf = 1, .eax = CPUID_7_1A_AVX512_BF16},
    {.leaf = 0xd, .subleaf = 5, .eax = ALL, .ebx = ALL, .ecx = ALL},
    {.leaf = 0xd, .subleaf = 6, .eax = ALL, .ebx = ALL, .ecx = ALL},
    {.leaf = 0xd, .subleaf = 7, .eax = ALL, .ebx = ALL, .ecx = ALL},
};

static bool host_has(uint32_t leaf)
{
    return leaf < LEAF_HYPERVISOR || leaf >= LEAF_EXTENDED;
}

bool vcpuid_host_wants(uint32_t i, uint32_t *leaf, uint32_t *subleaf)
{
    for (uint32_t k = 0; k < vcpuid_policy_count; k++) {
        if (!host_has(vcpuid_policy[k].leaf) || i-- != 0)
            continue;
        *leaf = vcpuid_policy[k].leaf;
        *subleaf = vcpuid_policy[k].subleaf;
        return true;
    }
    return false;
}

static const struct cpuid_row *snapshot_row(const struct vcpuid_host *host, uint32_t leaf,
                                            uint32_t subleaf)
{
    for (uint32_t i = 0; i < host->count && i < VCPUID_HOST_MAX; i++) {
        const struct cpuid_row *row = &host->rows[i];
        if (row->leaf == leaf && row->subleaf == subleaf)
            return row;
    }
    return NULL;
}

const struct cpuid_row *vcpuid_host_row(const struct vcpuid_host *host, uint32_t leaf,
                                        uint32_t subleaf)
{
    if (!host_has(leaf))
        return NULL;
    /* Intel processors answer a leaf above the highest with the highest one's data: not an answer.
     */
    const struct cpuid_row *highest =
        snapshot_row(host, leaf < LEAF_EXTENDED ? 0 : LEAF_EXTENDED, 0);
    if (highest == NULL || leaf > highest->eax)
        return NULL;
    return snapshot_row(host, leaf, subleaf);
}

static void row_clear(struct cpuid_row *row, const struct cpuid_row *needs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (needs[i].leaf != row->leaf || needs[i].subleaf != row->subleaf)
            continue;
        row->eax &= ~needs[i].eax;
        row->ebx &= ~needs[i].ebx;
        row->ecx &= ~needs[i].ecx;
        row->edx &= ~needs[i].edx;
    }
}

struct cpuid_row vcpuid_shown(const struct cpuid_row *policy, const struct vcpuid_host *host,
                              uint64_t xcr0_allowed)
{
    struct cpuid_row row = {.leaf = policy->leaf, .subleaf = policy->subleaf};
    const struct cpuid_row *from = vcpuid_host_row(host, policy->leaf, policy->subleaf);
    if (from != NULL) {
        row.eax = from->eax & policy->eax;
        row.ebx = from->ebx & policy->ebx;
        row.ecx = from->ecx & policy->ecx;
        row.edx = from->edx & policy->edx;
    }
    if (xcr0_allowed == 0)
        row_clear(&row, needs_xcr0, ARRAY_SIZE(needs_xcr0));
    if ((xcr0_allowed & XCR0_AVX) == 0)
        row_clear(&row, needs_avx, ARRAY_SIZE(needs_avx));
    if ((xcr0_allowed & XCR0_AVX512) != XCR0_AVX512)
        row_clear(&row, needs_avx512, ARRAY_SIZE(needs_avx512));
    return row;
}

/* A CR4 bit and the feature that brings it. */
static const struct {
    struct cpuid_row feature; /* exactly one bit */
    uint64_t cr4;
} cr4_rows[] = {
    {{.leaf = 0x1, .edx = CPUID_1D_VME}, CR4_VME | CR4_PVI},
    {{.leaf = 0x1, .edx = CPUID_1D_TSC}, CR4_TSD},
    {{.leaf = 0x1, .edx = CPUID_1D_DE}, CR4_DE},
    {{.leaf = 0x1, .edx = CPUID_1D_PSE}, CR4_PSE},
    {{.leaf = 0x1, .edx = CPUID_1D_PAE}, CR4_PAE},
    {{.leaf = 0x1, .edx = CPUID_1D_PGE}, CR4_PGE},
    {{.leaf = 0x1, .edx = CPUID_1D_FXSR}, CR4_OSFXSR},
    {{.leaf = 0x1, .edx = CPUID_1D_SSE}, CR4_OSXMMEXCPT},
    {{.leaf = 0x1, .ecx = CPUID_1C_PCID}, CR4_PCIDE},
    {{.leaf = 0x1, .ecx = CPUID_1C_XSAVE}, CR4_OSXSAVE},
    {{.leaf = 0x7, .ebx = CPUID_7B_FSGSBASE}, CR4_FSGSBASE},
    {{.leaf = 0x7, .ebx = CPUID_7B_SMEP}, CR4_SMEP},
    {{.leaf = 0x7, .ebx = CPUID_7B_SMAP}, CR4_SMAP},
    {{.leaf = 0x7, .ecx = CPUID_7C_UMIP}, CR4_UMIP},
};

/* The policy's first row of `leaf`, which it has. */
static const struct cpuid_row *policy_row(uint32_t leaf)
{
    uint32_t i = 0;
    while (i < vcpuid_policy_count && vcpuid_policy[i].leaf != leaf)
        i++;
    ASSERT(i < vcpuid_policy_count);
    return &vcpuid_policy[i];
}

uint64_t vcpuid_cr4_allowed(const struct vcpuid_host *host)
{
    /*
     * MCE without the feature: much start-up code sets it unasked, and it does nothing here, as
     * machine checks never reach a guest. PCE has no feature bit; RDPMC is not a guest's anyway.
     */
    uint64_t allowed = CR4_MCE | CR4_PCE, xcr0 = vcpuid_xcr0_allowed(host);
    for (uint32_t i = 0; i < ARRAY_SIZE(cr4_rows); i++) {
        const struct cpuid_row *feature = &cr4_rows[i].feature;
        struct cpuid_row shown = vcpuid_shown(policy_row(feature->leaf), host, xcr0);
        if (((shown.ebx & feature->ebx) | (shown.ecx & feature->ecx) |
             (shown.edx & feature->edx)) != 0)
            allowed |= cr4_rows[i].cr4;
    }
    return allowed;
}

uint64_t vcpuid_xcr0_allowed(const struct vcpuid_host *host)
{
    const struct cpuid_row *features = vcpuid_host_row(host, 0x1, 0);
    const struct cpuid_row *xsave = vcpuid_host_row(host, 0xd, 0);
    if (features == NULL || xsave == NULL || (features->ecx & CPUID_1C_XSAVE) == 0)
        return 0;
    uint64_t allowed = xsave->eax & (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
    /* XSETBV takes AVX-512's three components together and on top of AVX, or not at all. */
    if ((allowed & XCR0_AVX) == 0 || (allowed & XCR0_AVX512) != XCR0_AVX512)
        allowed &= ~XCR0_AVX512;
    return allowed;
}
