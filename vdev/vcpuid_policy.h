/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_policy: what of the host's CPUID a guest may see, by the rules of a vendor's table
 * (vdev/cpuid_intel.c, cpuid_amd.c), and what follows from it for CR4 and XCR0. Pure.
 */
#pragma once

#include "lib/types.h"

struct cpuid_row {
    uint32_t leaf, subleaf;
    uint32_t eax, ebx, ecx, edx;
};

#define VCPUID_HOST_MAX 96
#define VCPUID_ROWS_MAX 64 /* a power of two: indices are masked */

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
    uint64_t apic_timer_hz; /* measured; 0: not known */
    bool tsc_invariant;     /* it counts at one rate in every power state, and guests are told */
    uint64_t xcr0_allowed;  /* components a guest may enable, of vcpuid_xcr0_allowed() */
};

#define LEAF_HYPERVISOR 0x40000000u /* ours, BULKHEAD_CPUID_BASE */
#define LEAF_KVM        0x40000100u
#define LEAF_EXTENDED   0x80000000u

/* What a row is computed from, beside what it keeps of the host's answer. */
struct vcpuid_fit {
    const struct vcpuid_policy *policy;
    const struct vcpuid_host *host;
    const struct vcpuid_wish *wish;
};

/* A leaf and subleaf that a guest can get an answer to, or that an answer is computed from. */
struct cpuid_rule {
    uint32_t leaf, subleaf;
    uint32_t eax, ebx, ecx, edx; /* the bits that the host's answer keeps */
    void (*fit)(struct cpuid_row *row, const struct vcpuid_fit *from); /* then this; or NULL */
};

struct vcpuid_policy {
    const struct cpuid_rule *rules; /* sorted by leaf, then subleaf */
    uint32_t count;
};

/* Which leaves and subleaves the host snapshot must hold: row i, false when there are no more. */
MUST_CHECK bool vcpuid_host_wants(const struct vcpuid_policy *policy, uint32_t i, uint32_t *leaf,
                                  uint32_t *subleaf);

/* Takes out of the snapshot what a guest would get #UD for, though the host has it. */
void vcpuid_host_hide(struct vcpuid_host *host, bool no_rdtscp, bool no_invpcid);

/* Takes from the snapshot of one core what another does not have: features, and with them leaves
 * and parts of the XSAVE area. What is no feature (model, caches, names) stays the core's own. */
void vcpuid_host_meet(struct vcpuid_host *host, const struct vcpuid_host *other);

/* The host's answer, or NULL where this host has no such leaf. */
const struct cpuid_row *vcpuid_host_row(const struct vcpuid_host *host, uint32_t leaf,
                                        uint32_t subleaf);

/* The host's answer cut to what rule and XCR0 let through. */
struct cpuid_row vcpuid_shown(const struct cpuid_rule *rule, const struct vcpuid_host *host,
                              uint64_t xcr0_allowed);

/*
 * CR4 and XCR0 bits that follow from the features shown (host has them and the policy passes).
 * XCR0: 0 where the host has no XSAVE.
 */
uint64_t vcpuid_cr4_allowed(const struct vcpuid_policy *policy, const struct vcpuid_host *host);
uint64_t vcpuid_xcr0_allowed(const struct vcpuid_host *host);
