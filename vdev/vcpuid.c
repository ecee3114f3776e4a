/* SPDX-License-Identifier: MIT */
/*
 * vcpuid: builds a vCPU's CPUID rows by its policy, and looks them up. The lookup is on the exit
 * path: no division, no indirect call, and every index that depends on the guest is masked, so that
 * it stays inside its table even under speculation. Pure.
 */
#include "vdev/vcpuid.h"

#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "vdev/vcpuid_bits.h"

_Static_assert(SLOT_NONE < VCPUID_SLOTS && (VCPUID_SLOTS & (VCPUID_SLOTS - 1)) == 0, "masked");
_Static_assert(SLOT_EXTENDED + SLOT_EXTENDED_COUNT <= SLOT_HYPERVISOR, "disjoint");
_Static_assert(sizeof(struct vcpuid) <= UINT16_MAX, "rows are found by 16 bits");
_Static_assert(offsetof(struct vcpuid, rows) % 2 == 0 && sizeof(struct cpuid_row) % 2 == 0,
               "VCPUID_SPECIAL is no place");

/* Leaves with subleaves, or that depend on CR4 or XCR0. */
#define SPECIAL_LEAVES (BIT32(0x1) | BIT32(0x4) | BIT32(0x7) | BIT32(0xb) | BIT32(0xd))
#define SPECIAL_CACHES (LEAF_EXTENDED + 0x1d) /* AMD's leaf 4 */

/* The XSAVE area: legacy region and header, then the components. SDM "XSAVE Area". */
#define XSAVE_HEADER_END 576u
#define XSAVE_ALIGN      64u
#define XSAVE_FIRST      2u
#define XSAVE_LAST       7u
#define XSAVE_ALIGNED    BIT32(1) /* leaf 0xD.i ECX: aligned in the compacted form */

static inline const struct cpuid_row *first_row(const struct vcpuid *t, uint32_t leaf)
{
    return vcpuid_row_at(t, vcpuid_place(t, leaf) & ~VCPUID_SPECIAL);
}

/* NULL where the leaf has no such subleaf. */
static const struct cpuid_row *sub_row(const struct vcpuid *t, uint32_t leaf, uint32_t subleaf)
{
    const struct cpuid_row *end = &t->rows[t->count];
    for (const struct cpuid_row *row = first_row(t, leaf); row < end && row->leaf == leaf; row++) {
        if (row->subleaf == subleaf)
            return row;
    }
    return NULL;
}

/* ------------------------------------------------------------------ building */

/*
 * Bytes of the XSAVE area with the components of `xcr0`, as far as the guest has them. At most six
 * rows to look at.
 */
static uint32_t xsave_size(const struct vcpuid *t, uint64_t xcr0, bool compacted)
{
    uint32_t size = XSAVE_HEADER_END;
    const struct cpuid_row *end = &t->rows[t->count];
    for (const struct cpuid_row *row = first_row(t, 0xd); row < end && row->leaf == 0xd; row++) {
        if (row->subleaf < XSAVE_FIRST || row->subleaf > XSAVE_LAST || row->eax == 0 ||
            (xcr0 & BIT64(row->subleaf)) == 0)
            continue;
        uint32_t at = row->ebx;
        if (compacted)
            at = (row->ecx & XSAVE_ALIGNED) != 0
                     ? (uint32_t)align_down(size + XSAVE_ALIGN - 1, XSAVE_ALIGN)
                     : size;
        if (at + row->eax > size)
            size = at + row->eax;
    }
    return size;
}

/* The sizes for XCR0 as it is are vcpuid_get()'s. */
static void fit_xsave(struct vcpuid *t, uint64_t xcr0_allowed)
{
    for (uint32_t i = 0; i < t->count; i++) {
        struct cpuid_row *row = &t->rows[i];
        if (row->leaf != 0xd || row->subleaf != 0)
            continue;
        row->eax = (uint32_t)xcr0_allowed;
        row->ebx = xsave_size(t, XCR0_X87, false);
        row->ecx = xsave_size(t, xcr0_allowed, false);
        row->edx = (uint32_t)(xcr0_allowed >> 32);
    }
}

static bool is_special(uint32_t leaf)
{
    if (leaf < SLOT_BASIC_END)
        return (SPECIAL_LEAVES & BIT32(leaf)) != 0;
    return leaf == SPECIAL_CACHES;
}

void vcpuid_build(struct vcpuid *out, const struct vcpuid_policy *policy,
                  const struct vcpuid_host *host, const struct vcpuid_wish *wish)
{
    const struct vcpuid_fit fit = {policy, host, wish};
    uint64_t xcr0_allowed = wish->xcr0_allowed & vcpuid_xcr0_allowed(host);
    memset(out, 0, sizeof(*out));
    ASSERT(policy->count < VCPUID_ROWS_MAX);
    out->count = policy->count;
    for (uint32_t slot = 0; slot < VCPUID_SLOTS; slot++)
        out->place[slot] = (uint16_t)((uint8_t *)&out->rows[policy->count] - (uint8_t *)out);

    for (uint32_t i = policy->count; i-- > 0;) { /* a leaf's first row is the last to say where */
        const struct cpuid_rule *rule = &policy->rules[i];
        struct cpuid_row *row = &out->rows[i];
        *row = vcpuid_shown(rule, host, xcr0_allowed);
        if (rule->fit != NULL)
            rule->fit(row, &fit);
        out->place[vcpuid_slot(rule->leaf)] =
            (uint16_t)(((uint8_t *)row - (uint8_t *)out) |
                       (is_special(rule->leaf) ? VCPUID_SPECIAL : 0));
    }
    if (xcr0_allowed != 0)
        fit_xsave(out, xcr0_allowed);
}

/* ------------------------------------------------------------------ looking up */

static inline void give(uint32_t out[4], const struct cpuid_row *row)
{
    out[0] = row->eax;
    out[1] = row->ebx;
    out[2] = row->ecx;
    out[3] = row->edx;
}

/* A subleaf past the last level still names the core. */
static void get_no_level(const struct vcpuid *t, uint32_t subleaf, uint32_t out[4])
{
    out[0] = 0;
    out[1] = 0;
    out[2] = subleaf & 0xff;
    out[3] = first_row(t, 0xb)->edx;
}

static void get_special(const struct vcpuid *t, uint32_t leaf, uint32_t subleaf, uint64_t cr4,
                        uint64_t xcr0, uint32_t out[4])
{
    if (leaf == 0x1) {
        give(out, first_row(t, leaf));
        if ((cr4 & CR4_OSXSAVE) != 0)
            out[2] |= CPUID_1C_OSXSAVE;
        return;
    }
    const struct cpuid_row *row = sub_row(t, leaf, subleaf);
    if (row == NULL) {
        if (leaf == 0xb)
            get_no_level(t, subleaf, out);
        else
            give(out, first_row(t, UINT32_MAX));
        return;
    }
    give(out, row);
    if (leaf != 0xd)
        return;
    if (subleaf == 0 && out[0] != 0)
        out[1] = xsave_size(t, xcr0, false);
    if (subleaf == 1 && (out[0] & CPUID_D_1A_XSAVEC) != 0)
        out[1] = xsave_size(t, xcr0, true);
}

void vcpuid_get(const struct vcpuid *t, uint32_t leaf, uint32_t subleaf, uint64_t cr4,
                uint64_t xcr0, uint32_t out[4])
{
    if (is_special(leaf))
        get_special(t, leaf, subleaf, cr4, xcr0, out);
    else
        give(out, first_row(t, leaf));
}
