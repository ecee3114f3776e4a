/* SPDX-License-Identifier: MIT */
/*
 * vcpuid: builds a vCPU's CPUID rows out of the policy (vdev/vcpuid_policy.c), the host's answers
 * and what only we know (ids, topology, rates, our own leaves), and looks them up. The lookup is on
 * the exit path: no division, no indirect call, and every index that depends on the guest is
 * masked, so that it stays inside its table even under speculation. Pure.
 */
#include "vdev/vcpuid.h"

#include "guests/kit/abi.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "vdev/vcpuid_bits.h"
#include "vdev/vcpuid_policy.h"

#define BASIC_LEAF_MAX    0x16u
#define EXTENDED_LEAF_MAX (LEAF_EXTENDED + 8)
#define KVM_LEAF_MAX      (LEAF_KVM + 1)

_Static_assert(LEAF_HYPERVISOR == BULKHEAD_CPUID_BASE, "the ABI's numbers");
_Static_assert(LEAF_HYPERVISOR + 1 == BULKHEAD_CPUID_FEATURES, "the ABI's numbers");
_Static_assert(LEAF_HYPERVISOR + 2 == BULKHEAD_CPUID_TIME, "the ABI's numbers");

_Static_assert(SLOT_NONE < VCPUID_SLOTS && (VCPUID_SLOTS & (VCPUID_SLOTS - 1)) == 0, "masked");
_Static_assert((VCPUID_ROWS_MAX & (VCPUID_ROWS_MAX - 1)) == 0, "masked");
_Static_assert(sizeof(struct vcpuid) <= UINT16_MAX, "rows are found by 16 bits");

/* Basic leaves with subleaves, or that depend on CR4 or XCR0. */
#define SPECIAL_LEAVES (BIT32(0x1) | BIT32(0x4) | BIT32(0x7) | BIT32(0xb) | BIT32(0xd))

/* "BulkheadHV\0\0" and "KVMKVMKVM\0\0\0" as they come out of EBX, ECX, EDX. */
#define WORD_OF(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* The XSAVE area: legacy region and header, then the components. SDM "XSAVE Area". */
#define XSAVE_HEADER_END 576u
#define XSAVE_ALIGN      64u
#define XSAVE_FIRST      2u
#define XSAVE_LAST       7u
#define XSAVE_ALIGNED    BIT32(1) /* leaf 0xD.i ECX: aligned in the compacted form */

static inline const struct cpuid_row *first_row(const struct vcpuid *t, uint32_t leaf)
{
    return &t->rows[t->first[index_masked(vcpuid_slot(leaf), VCPUID_SLOTS)] &
                    (VCPUID_ROWS_MAX - 1)];
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

static uint32_t log2_up(uint32_t n)
{
    uint32_t bits = 0;
    while (bits < 31 && BIT32(bits) < n)
        bits++;
    return bits;
}

/*
 * How many low bits of an APIC id say where in its package a core is: guests see the machine's own
 * ids, so they are cut where the machine cuts them. But a package never has fewer ids than the
 * guest has cores, or the counts would contradict each other.
 */
static uint32_t package_shift(const struct vcpuid_host *host, uint32_t core_count)
{
    const uint32_t level_core = 2;
    const struct cpuid_row *cores = vcpuid_host_row(host, 0xb, 1);
    const struct cpuid_row *legacy = vcpuid_host_row(host, 0x1, 0);
    uint32_t shift = 0;
    if (cores != NULL && bits_get(cores->ecx, 15, 8) == level_core)
        shift = cores->eax & 0x1f;
    else if (legacy != NULL && (legacy->edx & CPUID_1D_HTT) != 0)
        shift = log2_up((uint32_t)bits_get(legacy->ebx, 23, 16));
    uint32_t needed = log2_up(core_count);
    return shift > needed ? shift : needed;
}

/* Ids that a package has room for, less one, as far as a field goes. */
static uint32_t package_ids_less_one(uint32_t shift, uint32_t field_max)
{
    uint32_t ids = (uint32_t)MASK64(shift, 0) >> 1;
    return ids < field_max ? ids : field_max;
}

static void fit_features(struct cpuid_row *row, const struct vcpuid_wish *wish, uint32_t shift)
{
    uint32_t ids = package_ids_less_one(shift, 254) + 1;
    row->ebx |= ids << 16 | (wish->apic_id & 0xff) << 24;
    row->ecx |= CPUID_1C_HYPERVISOR;
    if (ids > 1)
        row->edx |= CPUID_1D_HTT;
}

/* One thread per core: L1 and L2 are a core's own, what is above them the package's. */
static void fit_cache(struct cpuid_row *row, uint32_t shift)
{
    bool is_cache = (row->eax & 0x1f) != 0;
    if (!is_cache)
        return;
    if (bits_get(row->eax, 7, 5) > 2)
        row->eax |= package_ids_less_one(shift, 0xfff) << 14;
    row->eax |= package_ids_less_one(shift, 0x3f) << 26;
}

/* SDM "Hierarchical Mapping of Shared Resources": two levels, threads (one each) and cores. */
static void fit_topology(struct cpuid_row *row, const struct vcpuid_wish *wish, uint32_t shift)
{
    const uint32_t level_type[] = {1, 2};
    row->eax = row->subleaf == 0 ? 0 : shift;
    row->ebx = row->subleaf == 0 ? 1 : wish->core_count & 0xffff;
    row->ecx = row->subleaf | level_type[row->subleaf & 1] << 8;
    row->edx = wish->apic_id;
}

/*
 * TSC rate = ECX * EBX / EAX. The host's own words where they say exactly that: then ECX is also
 * the true input of the APIC timer. Else a crystal as fast as the TSC, or a whole fraction of it
 * where that needs more than 32 bits; EBX stays small, for Linux multiplies in 32 bits.
 */
static void fit_tsc(struct cpuid_row *row, const struct vcpuid_host *host, uint64_t tsc_hz)
{
    const struct cpuid_row *own = vcpuid_host_row(host, 0x15, 0);
    if (own != NULL && own->eax != 0 && own->ebx != 0 && own->ecx != 0 &&
        (uint64_t)own->ecx * own->ebx / own->eax == tsc_hz) {
        *row = *own;
        row->edx = 0;
        return;
    }
    uint64_t parts = tsc_hz / UINT32_MAX + 1;
    row->eax = 1;
    row->ebx = (uint32_t)parts;
    row->ecx = (uint32_t)(tsc_hz / parts);
}

static void fit_mhz(struct cpuid_row *row, uint64_t tsc_hz)
{
    row->eax = (uint32_t)min_u64((tsc_hz + 500000) / 1000000, 0xffff);
    row->ebx = row->eax;
}

static void fit_time(struct cpuid_row *row, const struct vcpuid_host *host,
                     const struct vcpuid_wish *wish)
{
    const struct cpuid_row *crystal = vcpuid_host_row(host, 0x15, 0);
    uint64_t apic_hz = wish->apic_timer_hz;
    if (apic_hz == 0 && crystal != NULL)
        apic_hz = crystal->ecx;
    row->eax = (uint32_t)min_u64(wish->tsc_hz / 1000, UINT32_MAX);
    row->ebx = (uint32_t)min_u64(apic_hz / 1000, UINT32_MAX);
}

static void fit_signature(struct cpuid_row *row)
{
    if (row->leaf == LEAF_KVM) {
        row->eax = KVM_LEAF_MAX;
        row->ebx = WORD_OF('K', 'V', 'M', 'K');
        row->ecx = WORD_OF('V', 'M', 'K', 'V');
        row->edx = WORD_OF('M', 0, 0, 0);
    } else {
        row->eax = BULKHEAD_CPUID_TIME;
        row->ebx = WORD_OF('B', 'u', 'l', 'k');
        row->ecx = WORD_OF('h', 'e', 'a', 'd');
        row->edx = WORD_OF('H', 'V', 0, 0);
    }
}

static void fit_abi(struct cpuid_row *row)
{
    row->eax = BULKHEAD_ABI_VERSION;
    row->ebx = BULKHEAD_FEATURE_CONSOLE | BULKHEAD_FEATURE_TIME | BULKHEAD_FEATURE_TIMER |
               BULKHEAD_FEATURE_POWER | BULKHEAD_FEATURE_WATCHDOG | BULKHEAD_FEATURE_CRASH;
}

/* What the policy calls computed, except leaf 0xD, which needs its neighbours. */
static void fit_row(struct cpuid_row *row, const struct vcpuid_host *host,
                    const struct vcpuid_wish *wish)
{
    uint32_t shift = package_shift(host, wish->core_count);
    if (row->leaf == 0x0)
        row->eax = BASIC_LEAF_MAX;
    else if (row->leaf == 0x1)
        fit_features(row, wish, shift);
    else if (row->leaf == 0x4)
        fit_cache(row, shift);
    else if (row->leaf == 0x7 && row->subleaf == 0)
        row->eax = 1;
    else if (row->leaf == 0xb)
        fit_topology(row, wish, shift);
    else if (row->leaf == 0x15)
        fit_tsc(row, host, wish->tsc_hz);
    else if (row->leaf == 0x16)
        fit_mhz(row, wish->tsc_hz);
    else if (row->leaf == LEAF_HYPERVISOR || row->leaf == LEAF_KVM)
        fit_signature(row);
    else if (row->leaf == BULKHEAD_CPUID_FEATURES)
        fit_abi(row);
    else if (row->leaf == BULKHEAD_CPUID_TIME)
        fit_time(row, host, wish);
    else if (row->leaf == LEAF_EXTENDED)
        row->eax = EXTENDED_LEAF_MAX;
    else if (row->leaf == LEAF_EXTENDED + 7)
        row->edx = CPUID_E7D_INVARIANT_TSC;
    else if (row->leaf == LEAF_EXTENDED + 8)
        row->eax = (wish->physical_bits & 0xff) | 48 << 8; /* linear: without LA57 */
}

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

void vcpuid_build(struct vcpuid *out, const struct vcpuid_host *host,
                  const struct vcpuid_wish *wish)
{
    uint64_t xcr0_allowed = wish->xcr0_allowed & vcpuid_xcr0_allowed(host);
    memset(out, 0, sizeof(*out));
    ASSERT(vcpuid_policy_count < VCPUID_ROWS_MAX);
    memset(out->first, (int)vcpuid_policy_count, sizeof(out->first));

    for (uint32_t i = 0; i < vcpuid_policy_count; i++) {
        out->rows[i] = vcpuid_shown(&vcpuid_policy[i], host, xcr0_allowed);
        fit_row(&out->rows[i], host, wish);
        uint8_t *first = &out->first[vcpuid_slot(out->rows[i].leaf)];
        if (*first == vcpuid_policy_count)
            *first = (uint8_t)i;
    }
    for (uint32_t slot = 0; slot < VCPUID_SLOTS; slot++) {
        const struct cpuid_row *row = &out->rows[out->first[slot]];
        if (slot >= SLOT_BASIC_END || (SPECIAL_LEAVES & BIT32(slot)) == 0)
            out->plain[slot] = (uint16_t)((const uint8_t *)row - (const uint8_t *)out);
    }
    out->count = vcpuid_policy_count;
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
    if (leaf < SLOT_BASIC_END && (SPECIAL_LEAVES & BIT32(leaf)) != 0)
        get_special(t, leaf, subleaf, cr4, xcr0, out);
    else
        give(out, first_row(t, leaf));
}
