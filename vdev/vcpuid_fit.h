/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_fit: what only we know, put into a CPUID row: ids, topology, rates, our own leaves. Each
 * is the `fit` of a rule in a vendor's table. At creation of a vCPU, never on the exit path. Pure.
 */
#pragma once

#include "vdev/vcpuid_policy.h"

/* EAX: the highest leaf of its range that the policy has; the highest subleaf. */
void vcpuid_fit_highest(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_subleaves(struct cpuid_row *row, const struct vcpuid_fit *from);

/* Leaves 1, 4, 0xb. */
void vcpuid_fit_features(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_cache(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_topology(struct cpuid_row *row, const struct vcpuid_fit *from);

/* The same on AMD: leaf 1, 0x8000001d; then 0x80000001, 0x80000008, 0x8000001e. */
void vcpuid_fit_features_amd(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_cache_amd(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_legacy(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_sizes_amd(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_ids_amd(struct cpuid_row *row, const struct vcpuid_fit *from);

/* Leaves 0x15, 0x16. */
void vcpuid_fit_tsc(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_mhz(struct cpuid_row *row, const struct vcpuid_fit *from);

/* docs/guest-abi.md's leaves, and KVM's. */
void vcpuid_fit_name(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_kvm(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_abi(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_time(struct cpuid_row *row, const struct vcpuid_fit *from);

/* Leaves 0x80000007, 0x80000008. */
void vcpuid_fit_invariant_tsc(struct cpuid_row *row, const struct vcpuid_fit *from);
void vcpuid_fit_widths(struct cpuid_row *row, const struct vcpuid_fit *from);
