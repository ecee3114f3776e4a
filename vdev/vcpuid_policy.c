/* SPDX-License-Identifier: MIT */
#include "vdev/vcpuid_policy.h"

#include "lib/assert.h"
#include "lib/x86/cr.h"
#include "vdev/vcpuid_bits.h"

#define ALL UINT32_MAX

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

/* What goes away where the backend has no control that lets a guest have the instruction. */
static const struct cpuid_row needs_rdtscp[] = {
    {.leaf = 0x7, .subleaf = 0, .ecx = CPUID_7C_RDPID},
    {.leaf = LEAF_EXTENDED + 1, .edx = CPUID_E1D_RDTSCP},
};
static const struct cpuid_row needs_invpcid[] = {
    {.leaf = 0x7, .subleaf = 0, .ebx = CPUID_7B_INVPCID},
};

static bool host_has(uint32_t leaf)
{
    return leaf < LEAF_HYPERVISOR || leaf >= LEAF_EXTENDED;
}

bool vcpuid_host_wants(const struct vcpuid_policy *policy, uint32_t i, uint32_t *leaf,
                       uint32_t *subleaf)
{
    for (uint32_t k = 0; k < policy->count; k++) {
        const struct cpuid_rule *rule = &policy->rules[k];
        if (!host_has(rule->leaf) || i-- != 0)
            continue;
        *leaf = rule->leaf;
        *subleaf = rule->subleaf;
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
    /* A leaf above the highest is often answered with the highest one's data: not an answer. */
    const struct cpuid_row *highest =
        snapshot_row(host, leaf < LEAF_EXTENDED ? 0 : LEAF_EXTENDED, 0);
    if (highest == NULL || leaf > highest->eax)
        return NULL;
    /* Of the leaves here only 7 counts its subleaves; the others end in an empty one. */
    const struct cpuid_row *first = snapshot_row(host, leaf, 0);
    if (leaf == 0x7 && (first == NULL || subleaf > first->eax))
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

void vcpuid_host_hide(struct vcpuid_host *host, bool no_rdtscp, bool no_invpcid)
{
    for (uint32_t i = 0; i < host->count && i < VCPUID_HOST_MAX; i++) {
        if (no_rdtscp)
            row_clear(&host->rows[i], needs_rdtscp, ARRAY_SIZE(needs_rdtscp));
        if (no_invpcid)
            row_clear(&host->rows[i], needs_invpcid, ARRAY_SIZE(needs_invpcid));
    }
}

/* How the words of a row meet those of another core's; a word that is not named stays. */
enum meet { MEET_OWN, MEET_BOTH /* bits */, MEET_LESS };

static const struct meet_rule {
    uint32_t leaf, subleaf;
    uint8_t eax, ebx, ecx, edx; /* enum meet */
} meet_rules[] = {
    {.leaf = 0x0, .eax = MEET_LESS},
    {.leaf = 0x1, .ecx = MEET_BOTH, .edx = MEET_BOTH},
    {.leaf = 0x6, .eax = MEET_BOTH},
    {.leaf = 0x7, .eax = MEET_LESS, .ebx = MEET_BOTH, .ecx = MEET_BOTH, .edx = MEET_BOTH},
    {.leaf = 0x7, .subleaf = 1, .eax = MEET_BOTH, .edx = MEET_BOTH},
    {.leaf = 0xd, .eax = MEET_BOTH},
    {.leaf = 0xd, .subleaf = 1, .eax = MEET_BOTH},
    {.leaf = LEAF_EXTENDED, .eax = MEET_LESS},
    {.leaf = LEAF_EXTENDED + 1, .ecx = MEET_BOTH, .edx = MEET_BOTH},
    {.leaf = LEAF_EXTENDED + 7, .edx = MEET_BOTH},
    {.leaf = LEAF_EXTENDED + 8, .ebx = MEET_BOTH},
    {.leaf = LEAF_EXTENDED + 0x21, .eax = MEET_BOTH},
};

static uint32_t meet(uint8_t how, uint32_t own, uint32_t other)
{
    if (how == MEET_BOTH)
        return own & other;
    return how == MEET_LESS && other < own ? other : own;
}

static void row_meet(struct cpuid_row *row, const struct cpuid_row *other)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(meet_rules); i++) {
        const struct meet_rule *rule = &meet_rules[i];

        if (rule->leaf != row->leaf || rule->subleaf != row->subleaf)
            continue;
        row->eax = meet(rule->eax, row->eax, other->eax);
        row->ebx = meet(rule->ebx, row->ebx, other->ebx);
        row->ecx = meet(rule->ecx, row->ecx, other->ecx);
        row->edx = meet(rule->edx, row->edx, other->edx);
    }
}

/* The same part of the XSAVE area. SDM "Enumeration of CPU Support for XSAVE". */
static bool row_same(const struct cpuid_row *a, const struct cpuid_row *b)
{
    return a->eax == b->eax && a->ebx == b->ebx && a->ecx == b->ecx;
}

void vcpuid_host_meet(struct vcpuid_host *host, const struct vcpuid_host *other)
{
    uint64_t parts = UINT64_MAX; /* of the XSAVE area, that are where the other has them */

    ASSERT(host->count == other->count && host->count <= VCPUID_HOST_MAX); /* of one policy */
    for (uint32_t i = 0; i < host->count; i++) {
        struct cpuid_row *row = &host->rows[i];

        row_meet(row, &other->rows[i]);
        if (row->leaf == 0xd && row->subleaf >= 2 && !row_same(row, &other->rows[i]))
            parts &= ~BIT64(row->subleaf);
    }
    for (uint32_t i = 0; i < host->count; i++)
        if (host->rows[i].leaf == 0xd && host->rows[i].subleaf == 0)
            host->rows[i].eax &= (uint32_t)parts;
}

struct cpuid_row vcpuid_shown(const struct cpuid_rule *rule, const struct vcpuid_host *host,
                              uint64_t xcr0_allowed)
{
    struct cpuid_row row = {.leaf = rule->leaf, .subleaf = rule->subleaf};
    const struct cpuid_row *from = vcpuid_host_row(host, rule->leaf, rule->subleaf);
    if (from != NULL) {
        row.eax = from->eax & rule->eax;
        row.ebx = from->ebx & rule->ebx;
        row.ecx = from->ecx & rule->ecx;
        row.edx = from->edx & rule->edx;
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

/* The first rule of `leaf`; each policy has the leaves of cr4_rows. */
static const struct cpuid_rule *policy_rule(const struct vcpuid_policy *policy, uint32_t leaf)
{
    uint32_t i = 0;
    while (i < policy->count && policy->rules[i].leaf != leaf)
        i++;
    ASSERT(i < policy->count);
    return &policy->rules[i];
}

uint64_t vcpuid_cr4_allowed(const struct vcpuid_policy *policy, const struct vcpuid_host *host)
{
    /*
     * MCE without the feature: much start-up code sets it unasked, and it does nothing here, as
     * machine checks never reach a guest. PCE has no feature bit; RDPMC is not a guest's anyway.
     */
    uint64_t allowed = CR4_MCE | CR4_PCE, xcr0 = vcpuid_xcr0_allowed(host);
    for (uint32_t i = 0; i < ARRAY_SIZE(cr4_rows); i++) {
        const struct cpuid_row *feature = &cr4_rows[i].feature;
        struct cpuid_row shown = vcpuid_shown(policy_rule(policy, feature->leaf), host, xcr0);
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
