/* SPDX-License-Identifier: MIT */
/*
 * vcpuid: what CPUID tells a guest. Built once per vCPU from the host's own answers and a vendor's
 * policy, then only looked up. A feature bit is shown only when its MSRs and CR bits work
 * (vdev/vmsr.c, kernel/virt.h). Pure.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"
#include "vdev/vcpuid_policy.h"

/*
 *  slot   0 .. 31    leaf 0 ..
 *        32 .. 79    0x80000000 ..
 *        80 .. 87    0x40000000 ..
 *        88 .. 91    0x40000100 ..
 *            127     every other leaf
 */
enum cpuid_slot {
    SLOT_BASIC = 0,
    SLOT_BASIC_END = 32,
    SLOT_EXTENDED = 32,
    SLOT_EXTENDED_COUNT = 48,
    SLOT_HYPERVISOR = 80,
    SLOT_HYPERVISOR_COUNT = 8,
    SLOT_KVM = 88,
    SLOT_KVM_COUNT = 4,
    SLOT_NONE = 127,
    VCPUID_SLOTS = 128, /* a power of two: indices are masked */
};

static inline uint32_t vcpuid_slot(uint32_t leaf)
{
    if (leaf < SLOT_BASIC_END)
        return leaf;
    if (leaf - LEAF_EXTENDED < SLOT_EXTENDED_COUNT)
        return SLOT_EXTENDED + (leaf - LEAF_EXTENDED);
    if (leaf - LEAF_HYPERVISOR < SLOT_HYPERVISOR_COUNT)
        return SLOT_HYPERVISOR + (leaf - LEAF_HYPERVISOR);
    if (leaf - LEAF_KVM < SLOT_KVM_COUNT)
        return SLOT_KVM + (leaf - LEAF_KVM);
    return SLOT_NONE;
}

#define VCPUID_SPECIAL 1u /* in a place: ask vcpuid_get() */

struct vcpuid {
    uint32_t count;
    uint16_t place[VCPUID_SLOTS];           /* bytes from here to a leaf's first row; even */
    struct cpuid_row rows[VCPUID_ROWS_MAX]; /* sorted by leaf, then subleaf; zero from `count` on */
};

void vcpuid_build(struct vcpuid *out, const struct vcpuid_policy *policy,
                  const struct vcpuid_host *host, const struct vcpuid_wish *wish);

/*
 * Answers one CPUID. `cr4` and `xcr0` are the guest's present values (OSXSAVE, leaf 0xD sizes).
 * Unknown leaves give zero. On the exit path: short, no loop but over the subleaves of one leaf.
 */
void vcpuid_get(const struct vcpuid *t, uint32_t leaf, uint32_t subleaf, uint64_t cr4,
                uint64_t xcr0, uint32_t out[4]);

/* Where a leaf is. The index is masked: it stays inside the table even under speculation. */
static inline uint32_t vcpuid_place(const struct vcpuid *t, uint32_t leaf)
{
    if (__builtin_expect(leaf < SLOT_BASIC_END, 1))
        return t->place[index_masked(leaf, VCPUID_SLOTS)];
    return t->place[index_masked(vcpuid_slot(leaf), VCPUID_SLOTS)];
}

static inline const struct cpuid_row *vcpuid_row_at(const struct vcpuid *t, uint32_t place)
{
    return (const struct cpuid_row *)(const void *)((const uint8_t *)t + place);
}

/* The answer of a leaf that has one only, whatever the subleaf and the state; else NULL. */
static inline const struct cpuid_row *vcpuid_plain(const struct vcpuid *t, uint32_t leaf)
{
    const uint32_t place = vcpuid_place(t, leaf);
    return place & VCPUID_SPECIAL ? NULL : vcpuid_row_at(t, place);
}

/* The answer depends on cr4 or xcr0 (leaves 1 and 0xD): else the caller need not fetch them. */
static inline bool vcpuid_is_dynamic(uint32_t leaf)
{
    return leaf == 1 || leaf == 0xd;
}
