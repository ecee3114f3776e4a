/* SPDX-License-Identifier: MIT */
/*
 * vcpuid: what CPUID tells a guest. Built once per vCPU from the host's own answers and a policy
 * table, then only looked up. A feature bit is shown only when its MSRs and CR bits work
 * (vdev/vmsr.c, kernel/virt.h). Pure.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

struct cpuid_row {
    uint32_t leaf, subleaf;
    uint32_t eax, ebx, ecx, edx;
};

#define VCPUID_HOST_MAX 96
#define VCPUID_ROWS_MAX 64 /* a power of two, as VCPUID_SLOTS: indices are masked */
#define VCPUID_SLOTS    64 /* one for each leaf that could have rows */

/* A snapshot of the host's CPUID: every leaf and subleaf that the policy passes on. */
struct vcpuid_host {
    uint32_t count;
    struct cpuid_row rows[VCPUID_HOST_MAX];
};

/* What the policy needs to know of the vCPU and the machine. */
struct vcpuid_wish {
    uint32_t apic_id;       /* physical, shown unchanged */
    uint32_t core_count;    /* of the guest */
    uint32_t physical_bits; /* guest-physical address width */
    uint64_t tsc_hz;
    uint64_t
        apic_timer_hz; /* input of the APIC timer; 0: as the host's leaf 0x15 says, if it does */
    uint64_t xcr0_allowed; /* components a guest may enable, of vcpuid_xcr0_allowed() */
};

#define LEAF_HYPERVISOR 0x40000000u /* ours, BULKHEAD_CPUID_BASE */
#define LEAF_KVM        0x40000100u
#define LEAF_EXTENDED   0x80000000u

/*
 *  slot   0 .. 31    leaf 0 ..
 *        32 .. 47    0x80000000 ..
 *        48 .. 55    0x40000000 ..
 *        56 .. 59    0x40000100 ..
 *             63     every other leaf
 */
enum cpuid_slot {
    SLOT_BASIC = 0,
    SLOT_BASIC_END = 32,
    SLOT_EXTENDED = 32,
    SLOT_EXTENDED_COUNT = 16,
    SLOT_HYPERVISOR = 48,
    SLOT_HYPERVISOR_COUNT = 8,
    SLOT_KVM = 56,
    SLOT_KVM_COUNT = 4,
    SLOT_NONE = 63,
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

struct vcpuid {
    uint32_t count;
    uint16_t plain[VCPUID_SLOTS];           /* bytes from here to the row; 0: ask vcpuid_get() */
    uint8_t first[VCPUID_SLOTS];            /* index of a leaf's first row; `count`: no such leaf */
    struct cpuid_row rows[VCPUID_ROWS_MAX]; /* sorted by leaf, then subleaf; zero from `count` on */
};

/* Which leaves and subleaves the host snapshot must hold: row i, false when there are no more. */
MUST_CHECK bool vcpuid_host_wants(uint32_t i, uint32_t *leaf, uint32_t *subleaf);

/*
 * CR4 and XCR0 bits that follow from the features shown (host has them and the policy passes).
 * XCR0: 0 where the host has no XSAVE.
 */
uint64_t vcpuid_cr4_allowed(const struct vcpuid_host *host);
uint64_t vcpuid_xcr0_allowed(const struct vcpuid_host *host);

void vcpuid_build(struct vcpuid *out, const struct vcpuid_host *host,
                  const struct vcpuid_wish *wish);

/*
 * Answers one CPUID. `cr4` and `xcr0` are the guest's present values (OSXSAVE, leaf 0xD sizes).
 * Unknown leaves give zero. On the exit path: short, no loop but over the subleaves of one leaf.
 */
void vcpuid_get(const struct vcpuid *t, uint32_t leaf, uint32_t subleaf, uint64_t cr4,
                uint64_t xcr0, uint32_t out[4]);

/* The answer of a leaf that has one only, whatever the subleaf and the state; else NULL. The index
 * is masked: it stays inside the table even under speculation. */
static inline const struct cpuid_row *vcpuid_plain(const struct vcpuid *t, uint32_t leaf)
{
    const uint32_t at = t->plain[index_masked(vcpuid_slot(leaf), VCPUID_SLOTS)];
    return at != 0 ? (const struct cpuid_row *)(const void *)((const uint8_t *)t + at) : NULL;
}

/* The answer depends on cr4 or xcr0 (leaves 1 and 0xD): else the caller need not fetch them. */
static inline bool vcpuid_is_dynamic(uint32_t leaf)
{
    return leaf == 1 || leaf == 0xd;
}
