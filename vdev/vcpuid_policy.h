/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_policy: the table behind vdev/vcpuid.c. Within vdev only. Pure.
 */
#pragma once

#include "vdev/vcpuid.h"

/*
 * Each leaf and subleaf that a guest can get an answer to, or that an answer is computed from; in
 * the registers the bits that the host's answer keeps. Sorted by leaf, then subleaf.
 */
extern const struct cpuid_row vcpuid_policy[];
extern const uint32_t vcpuid_policy_count;

/* The host's answer, or NULL where this host has no such leaf. */
const struct cpuid_row *vcpuid_host_row(const struct vcpuid_host *host, uint32_t leaf,
                                        uint32_t subleaf);

/* The host's answer cut to what policy and XCR0 let through: the rest of the row's story is
 * vcpuid.c's. */
struct cpuid_row vcpuid_shown(const struct cpuid_row *policy, const struct vcpuid_host *host,
                              uint64_t xcr0_allowed);
