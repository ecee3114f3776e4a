/* SPDX-License-Identifier: MIT */
/*
 * vcpuid_host: for the tests of vdev/vcpuid.h: a host that has every feature there is, the guest's
 * table built from it, and a look into that table. Included once per program.
 */
#pragma once

#include "lib/x86/cr.h"
#include "support.h"
#include "vdev/vcpuid.h"
#include "vdev/vendor.h"

enum reg { EAX, EBX, ECX, EDX };

static const struct vcpuid_policy *policy = &cpuid_intel;
static struct vcpuid_host host;
static struct vcpuid table;
static struct vcpuid_wish wish;

/* ------------------------------------------------------------------ hosts */

static inline struct cpuid_row *host_row(uint32_t leaf, uint32_t subleaf)
{
    for (uint32_t i = 0; i < host.count; i++) {
        if (host.rows[i].leaf == leaf && host.rows[i].subleaf == subleaf)
            return &host.rows[i];
    }
    fail_msg("the snapshot has no leaf 0x%x.%u", leaf, subleaf);
    return NULL;
}

static inline void set_row(uint32_t leaf, uint32_t subleaf, uint32_t eax, uint32_t ebx,
                           uint32_t ecx, uint32_t edx)
{
    *host_row(leaf, subleaf) = (struct cpuid_row){leaf, subleaf, eax, ebx, ecx, edx};
}

/* As on a desktop processor with AVX-512: offsets and sizes, highest leaves, two threads a core. */
static inline void set_shape(void)
{
    set_row(0x0, 0, 0x20, 0x756e6547, 0x6c65746e, 0x49656e69);
    set_row(0x4, 0, 0x1c004121, 0x02c0003f, 0x3f, 0);
    set_row(0x4, 1, 0x1c004122, 0x01c0003f, 0x3f, 0);
    set_row(0x4, 2, 0x1c004143, 0x01c0003f, 0x3ff, 0);
    set_row(0x4, 3, 0x1c03c163, 0x03c0003f, 0x1fff, 6);
    set_row(0x4, 4, 0, 0, 0, 0);
    set_row(0x4, 5, 0, 0, 0, 0);
    set_row(0xb, 0, 1, 2, 0x100, 6);
    set_row(0xb, 1, 4, 16, 0x201, 6);
    set_row(0xd, 2, 256, 576, 0, 0);
    set_row(0xd, 5, 64, 1088, 0, 0);
    set_row(0xd, 6, 512, 1152, 2, 0);
    set_row(0xd, 7, 1024, 1664, 2, 0);
    set_row(0x15, 0, 2, 200, 24000000, 0);
    set_row(0x16, 0, 2400, 4000, 100, 0);
    set_row(0x80000000, 0, 0x80000008, 0, 0, 0);
    set_row(0x80000008, 0, 0x3027, 0, 0, 0);
}

/* Every row that the policy looks at, with every bit set. */
static inline void host_all_ones(void)
{
    host.count = 0;
    uint32_t leaf, subleaf;
    while (vcpuid_host_wants(policy, host.count, &leaf, &subleaf)) {
        assert_true(host.count < VCPUID_HOST_MAX);
        host.rows[host.count++] =
            (struct cpuid_row){leaf, subleaf, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    }
}

static inline void build(void)
{
    vcpuid_build(&table, policy, &host, &wish);
}

/* A host with every bit of every leaf set, but where the shape gives numbers. */
static inline int every_feature(void **state)
{
    (void)state;
    host_all_ones();
    set_shape();
    wish = (struct vcpuid_wish){
        .apic_id = 6,
        .core_count = 2,
        .physical_bits = 39,
        .tsc_hz = 2400000000,
        .tsc_invariant = true,
        .xcr0_allowed = vcpuid_xcr0_allowed(&host),
    };
    build();
    return 0;
}

/* ------------------------------------------------------------------ looking */

static inline uint32_t get_at(uint32_t leaf, uint32_t subleaf, enum reg reg, uint64_t cr4,
                              uint64_t xcr0)
{
    uint32_t out[4] = {1, 2, 3, 4};
    vcpuid_get(&table, leaf, subleaf, cr4, xcr0, out);
    return out[reg];
}

static inline uint32_t get(uint32_t leaf, uint32_t subleaf, enum reg reg)
{
    return get_at(leaf, subleaf, reg, 0, XCR0_X87);
}

static inline bool is_zero(uint32_t leaf, uint32_t subleaf)
{
    return (get(leaf, subleaf, EAX) | get(leaf, subleaf, EBX) | get(leaf, subleaf, ECX) |
            get(leaf, subleaf, EDX)) == 0;
}
