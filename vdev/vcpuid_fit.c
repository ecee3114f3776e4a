/* SPDX-License-Identifier: MIT */
#include "vdev/vcpuid_fit.h"

#include "guests/kit/abi.h"
#include "lib/bits.h"
#include "vdev/vcpuid_bits.h"

_Static_assert(LEAF_HYPERVISOR == BULKHEAD_CPUID_BASE, "the ABI's numbers");
_Static_assert(LEAF_HYPERVISOR + 1 == BULKHEAD_CPUID_FEATURES, "the ABI's numbers");
_Static_assert(LEAF_HYPERVISOR + 2 == BULKHEAD_CPUID_TIME, "the ABI's numbers");

/* "BulkheadHV\0\0" and "KVMKVMKVM\0\0\0" as they come out of EBX, ECX, EDX. */
#define WORD_OF(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

#define CRYSTAL_PRECISION 200 /* half a percent: what a measured rate may be off */

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
static uint32_t package_shift(const struct vcpuid_fit *from)
{
    const struct vcpuid_host *host = from->host;
    const uint32_t level_core = 2;
    const struct cpuid_row *cores = vcpuid_host_row(host, 0xb, 1);
    const struct cpuid_row *legacy = vcpuid_host_row(host, 0x1, 0);
    uint32_t shift = 0;
    if (cores != NULL && bits_get(cores->ecx, 15, 8) == level_core)
        shift = cores->eax & 0x1f;
    else if (legacy != NULL && (legacy->edx & CPUID_1D_HTT) != 0)
        shift = log2_up((uint32_t)bits_get(legacy->ebx, 23, 16));
    uint32_t needed = log2_up(from->wish->core_count);
    return shift > needed ? shift : needed;
}

/* Ids that a package has room for, less one, as far as a field goes. */
static uint32_t package_ids_less_one(uint32_t shift, uint32_t field_max)
{
    uint32_t ids = (uint32_t)MASK64(shift, 0) >> 1;
    return ids < field_max ? ids : field_max;
}

void vcpuid_fit_features(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t shift = package_shift(from);
    uint32_t ids = package_ids_less_one(shift, 254) + 1;
    row->ebx |= ids << 16 | (from->wish->apic_id & 0xff) << 24;
    row->ecx |= CPUID_1C_HYPERVISOR;
    if (ids > 1)
        row->edx |= CPUID_1D_HTT;
}

/* One thread per core: L1 and L2 are a core's own, what is above them the package's. */
void vcpuid_fit_cache(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t shift = package_shift(from);
    bool is_cache = (row->eax & 0x1f) != 0;
    if (!is_cache)
        return;
    if (bits_get(row->eax, 7, 5) > 2)
        row->eax |= package_ids_less_one(shift, 0xfff) << 14;
    row->eax |= package_ids_less_one(shift, 0x3f) << 26;
}

/* SDM "Hierarchical Mapping of Shared Resources": two levels, threads (one each) and cores. */
void vcpuid_fit_topology(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t level_type[] = {1, 2};
    row->eax = row->subleaf == 0 ? 0 : package_shift(from);
    row->ebx = row->subleaf == 0 ? 1 : from->wish->core_count & 0xffff;
    row->ecx = row->subleaf | level_type[row->subleaf & 1] << 8;
    row->edx = from->wish->apic_id;
}

/* ------------------------------------------------------------------ AMD */

/* APM "Legacy Method": HTT, LogicalProcessorCount, CmpLegacy and NC all say the same. */
void vcpuid_fit_features_amd(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t count = (uint32_t)min_u64(from->wish->core_count, 0xff);
    row->ebx |= count << 16 | (from->wish->apic_id & 0xff) << 24;
    row->ecx |= CPUID_1C_HYPERVISOR;
    if (count > 1)
        row->edx |= CPUID_1D_HTT;
}

void vcpuid_fit_legacy(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    if (from->wish->core_count > 1)
        row->ecx |= CPUID_E1C_CMP_LEGACY;
}

void vcpuid_fit_sizes_amd(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t count = (uint32_t)min_u64(from->wish->core_count, 0x100);
    vcpuid_fit_widths(row, from);
    row->ecx |= (count - 1) | (uint32_t)min_u64(package_shift(from), 0xf) << 12;
}

static bool has_topoext(const struct vcpuid_fit *from)
{
    const struct cpuid_row *features = vcpuid_host_row(from->host, LEAF_EXTENDED + 1, 0);
    return features != NULL && (features->ecx & CPUID_E1C_TOPOEXT) != 0;
}

/*
 * L1 and L2 are a core's own, as on Intel. An L3 is shared by the ids that the machine says: a
 * package has several, and guests have the machine's ids.
 */
void vcpuid_fit_cache_amd(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t sharing = 0x03ffc000;
    if (!has_topoext(from))
        *row = (struct cpuid_row){.leaf = row->leaf, .subleaf = row->subleaf};
    else if (bits_get(row->eax, 7, 5) <= 2)
        row->eax &= ~sharing;
}

/* APM "Extended APIC ID", "Compute Unit Identifiers", "Node Identifiers": a node is a package, one
 * thread per core. */
void vcpuid_fit_ids_amd(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t id = from->wish->apic_id, shift = package_shift(from);
    if (!has_topoext(from))
        return;
    row->eax = id;
    row->ebx = id & package_ids_less_one(shift, UINT32_MAX) & 0xff;
    row->ecx = (id >> shift) & 0xff;
}

/* ------------------------------------------------------------------ time */

/* The crystal that the host names, if it goes with both rates: then it is exact. */
static uint32_t vcpuid_crystal(const struct vcpuid_fit *from)
{
    const struct cpuid_row *own = vcpuid_host_row(from->host, 0x15, 0);
    const uint64_t timer_hz = from->wish->apic_timer_hz;

    if (own == NULL || own->eax == 0 || own->ebx == 0 || own->ecx == 0 ||
        (uint64_t)own->ecx * own->ebx / own->eax != from->wish->tsc_hz)
        return 0;
    const uint64_t apart = timer_hz > own->ecx ? timer_hz - own->ecx : own->ecx - timer_hz;
    return timer_hz == 0 || apart <= own->ecx / CRYSTAL_PRECISION ? own->ecx : 0;
}

/*
 * TSC rate = ECX * EBX / EAX, and ECX is the input of the APIC timer. The host's own words where
 * they are true. Else the measured rate of that timer, moved by so little that the TSC's comes out
 * right; without one a crystal as fast as the TSC, or a whole fraction of it where that needs more
 * than 32 bits. ECX in kHz times EBX stays below 2^32, as Linux multiplies them.
 */
void vcpuid_fit_tsc(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint64_t tsc_hz = from->wish->tsc_hz, timer_hz = from->wish->apic_timer_hz;

    if (vcpuid_crystal(from) != 0) {
        *row = *vcpuid_host_row(from->host, 0x15, 0);
        row->edx = 0;
        return;
    }
    uint64_t of = 1, parts = tsc_hz / UINT32_MAX + 1;
    if (timer_hz != 0 && timer_hz <= UINT32_MAX) {
        of = max_u64(UINT32_MAX / (tsc_hz / 1000 + 1) / 2, 1);
        parts = max_u64((tsc_hz * of + timer_hz / 2) / timer_hz, 1);
        if (tsc_hz * of / parts > UINT32_MAX)
            parts++;
    }
    row->eax = (uint32_t)of;
    row->ebx = (uint32_t)parts;
    row->ecx = (uint32_t)(tsc_hz * of / parts);
}

void vcpuid_fit_mhz(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    row->eax = (uint32_t)min_u64((from->wish->tsc_hz + 500000) / 1000000, 0xffff);
    row->ebx = row->eax;
}

void vcpuid_fit_time(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const uint32_t crystal = vcpuid_crystal(from);
    const uint64_t timer_hz = crystal != 0 ? crystal : from->wish->apic_timer_hz;

    row->eax = (uint32_t)min_u64(from->wish->tsc_hz / 1000, UINT32_MAX);
    row->ebx = (uint32_t)min_u64(timer_hz / 1000, UINT32_MAX);
}

void vcpuid_fit_name(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    (void)from;
    if (row->leaf == LEAF_KVM) {
        row->eax = LEAF_KVM + 1;
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

/* KVM_FEATURE_MSI_EXT_DEST_ID: a message's address has 15 bits for its destination (vdev/vmsi.c). A
 * Linux that is not told leaves cores with higher APIC ids off. */
void vcpuid_fit_kvm(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    (void)from;
    row->eax = BIT32(15);
}

void vcpuid_fit_abi(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    (void)from;
    row->eax = BULKHEAD_ABI_VERSION;
    row->ebx = BULKHEAD_FEATURE_CONSOLE | BULKHEAD_FEATURE_TIME | BULKHEAD_FEATURE_TIMER |
               BULKHEAD_FEATURE_POWER | BULKHEAD_FEATURE_WATCHDOG | BULKHEAD_FEATURE_CRASH |
               BULKHEAD_FEATURE_LINK;
}

void vcpuid_fit_highest(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const struct vcpuid_policy *policy = from->policy;
    for (uint32_t i = 0; i < policy->count; i++) {
        uint32_t leaf = policy->rules[i].leaf;
        if (leaf - row->leaf < LEAF_HYPERVISOR)
            row->eax = leaf;
    }
}

void vcpuid_fit_subleaves(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    const struct vcpuid_policy *policy = from->policy;
    for (uint32_t i = 0; i < policy->count; i++) {
        if (policy->rules[i].leaf == row->leaf)
            row->eax = policy->rules[i].subleaf;
    }
}

void vcpuid_fit_invariant_tsc(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    row->edx = from->wish->tsc_invariant ? CPUID_E7D_INVARIANT_TSC : 0;
}

void vcpuid_fit_widths(struct cpuid_row *row, const struct vcpuid_fit *from)
{
    row->eax = (from->wish->physical_bits & 0xff) | 48 << 8; /* linear: without LA57 */
}
