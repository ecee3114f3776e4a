/* SPDX-License-Identifier: MIT */
/*
 * test_vcpuid_values: the leaves that carry numbers and names: signatures, topology, rates, XSAVE
 * sizes; and the shape of the table.
 */
#include "vdev/vcpuid.h"

#include "guests/kit/abi.h"
#include "support.h"
#include "vcpuid_host.h"
#include "vdev/vcpuid_bits.h"

/* ------------------------------------------------------------------ features one by one */

static void test_signatures(void **state)
{
    (void)state;
    uint32_t out[4];
    vcpuid_get(&table, 0x40000000, 0, 0, 1, out);
    assert_int_equal(out[0], 0x40000002);
    assert_memory_equal(&out[1], "BulkheadHV\0\0", 12);
    vcpuid_get(&table, 0x40000100, 0, 0, 1, out);
    assert_int_equal(out[0], 0x40000101);
    assert_memory_equal(&out[1], "KVMKVMKVM\0\0\0", 12);
    vcpuid_get(&table, 0x40000101, 0, 0, 1, out); /* KVM, and one of its features */
    assert_int_equal(out[0], 1 << 15);
    assert_int_equal(out[1] | out[2] | out[3], 0);
    assert_int_equal(get(0x40000001, 0, EAX), BULKHEAD_ABI_VERSION);
    assert_int_equal(get(0x40000001, 0, EBX), 0x7f);
    vcpuid_get(&table, 0, 0, 0, 1, out);
    assert_int_equal(out[0], 0x1a);
    assert_memory_equal(&out[1], "GenuntelineI", 12); /* EBX, ECX, EDX: the vendor's odd order */
    assert_int_equal(get(0x80000000, 0, EAX), 0x80000008);
    /* Linux looks for hypervisors in steps of 0x100. */
    for (uint32_t leaf = 0x40000200; leaf <= 0x40010000; leaf += 0x100)
        assert_true(is_zero(leaf, 0));
}

static void test_osxsave_follows_cr4(void **state)
{
    (void)state;
    assert_int_equal(get_at(0x1, 0, ECX, ~CR4_OSXSAVE, 1) & CPUID_1C_OSXSAVE, 0);
    assert_int_equal(get_at(0x1, 0, ECX, CR4_OSXSAVE, 1), get(0x1, 0, ECX) | CPUID_1C_OSXSAVE);
}

static void test_dynamic_leaves_are_named(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < table.count; i++) {
        uint32_t leaf = table.rows[i].leaf, subleaf = table.rows[i].subleaf;
        if (vcpuid_is_dynamic(leaf))
            continue;
        for (enum reg reg = EAX; reg <= EDX; reg++)
            assert_int_equal(get_at(leaf, subleaf, reg, UINT64_MAX, UINT64_MAX),
                             get_at(leaf, subleaf, reg, 0, 0));
    }
}

/* ------------------------------------------------------------------ XSAVE */

static void test_xsave_sizes(void **state)
{
    (void)state;
    static const struct {
        uint64_t xcr0;
        uint32_t standard, compacted;
    } rows[] = {
        {0x01, 576, 576},   {0x03, 576, 576},
        {0x07, 832, 832},   {0xe7, 2688, 2432},
        {0xe3, 2688, 2176}, {0x23, 1152, 640},
        {0x43, 1664, 1088}, {0x83, 2688, 1600},
        {0, 576, 576},      {~UINT64_C(0xff) | 0x9b, 2688, 1600}, /* what the guest has not */
    };
    assert_int_equal(get(0xd, 0, EAX), 0xe7);
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(get_at(0xd, 0, EBX, 0, rows[i].xcr0), rows[i].standard);
        assert_int_equal(get_at(0xd, 1, EBX, 0, rows[i].xcr0), rows[i].compacted);
        assert_int_equal(get_at(0xd, 0, ECX, 0, rows[i].xcr0), 2688);
    }
    assert_int_equal(get(0xd, 2, EAX), 256);
    assert_int_equal(get(0xd, 2, EBX), 576);
    assert_int_equal(get(0xd, 7, ECX), 2);
}

/* ------------------------------------------------------------------ topology */

static void test_topology(void **state)
{
    (void)state;
    for (wish.core_count = 1; wish.core_count <= 64; wish.core_count++) {
        for (wish.apic_id = 0; wish.apic_id < 600; wish.apic_id += 37) {
            build();
            uint32_t shift = get(0xb, 1, EAX);
            assert_int_equal(get(0xb, 0, EAX), 0);
            assert_int_equal(get(0xb, 0, EBX), 1);
            assert_int_equal(get(0xb, 0, ECX), 0x100);
            assert_int_equal(get(0xb, 0, EDX), wish.apic_id);
            assert_true(shift >= 4 && wish.core_count <= 1u << shift);
            assert_int_equal(get(0xb, 1, EBX), wish.core_count);
            assert_int_equal(get(0xb, 1, ECX), 0x201);
            assert_int_equal(get(0xb, 1, EDX), wish.apic_id);
            assert_int_equal(get(0xb, 2, EDX), wish.apic_id);

            assert_int_equal(get(0x1, 0, EBX) >> 24, wish.apic_id & 0xff);
            assert_int_equal(get(0x1, 0, EBX) >> 16 & 0xff, 1u << shift);
            assert_int_not_equal(get(0x1, 0, EDX) & CPUID_1D_HTT, 0);
            for (uint32_t cache = 0; cache < 4; cache++) {
                assert_int_equal(get(0x4, cache, EAX) >> 26, (1u << shift) - 1);
                assert_int_equal(get(0x4, cache, EAX) >> 14 & 0xfff,
                                 cache < 3 ? 0 : (1u << shift) - 1);
            }
        }
    }
}

static void test_topology_of_odd_hosts(void **state)
{
    (void)state;
    host_row(0xb, 1)->eax = 0xffffffff; /* fields are cut to what they can hold */
    build();
    assert_int_equal(get(0xb, 1, EAX), 31);
    assert_int_equal(get(0x1, 0, EBX) >> 16 & 0xff, 255);
    assert_int_equal(get(0x4, 3, EAX) >> 14, 0x3ffff);

    host_row(0xb, 1)->ecx = 0; /* no level: the legacy count, */
    host_row(0x1, 0)->ebx = 6 << 16;
    build();
    assert_int_equal(get(0xb, 1, EAX), 3);
    host_row(0x1, 0)->edx &= ~CPUID_1D_HTT; /* or what the guest itself needs */
    build();
    assert_int_equal(get(0xb, 1, EAX), 1);
    wish.core_count = 1;
    build();
    assert_int_equal(get(0xb, 1, EAX), 0);
    assert_int_equal(get(0x1, 0, EBX) >> 16 & 0xff, 1);
    assert_int_equal(get(0x1, 0, EDX) & CPUID_1D_HTT, 0);
}

/* ------------------------------------------------------------------ time */

static void check_tsc(uint64_t hz)
{
    wish.tsc_hz = hz;
    build();
    uint64_t eax = get(0x15, 0, EAX), ebx = get(0x15, 0, EBX), ecx = get(0x15, 0, ECX);
    assert_true(eax != 0 && ebx != 0 && ecx != 0);
    uint64_t told = ecx * ebx / eax;
    assert_true(told <= hz && hz - told < ebx);
    assert_true(ebx <= 16 || eax != 1);
    assert_true(ecx / 1000 * ebx <= UINT32_MAX); /* native_calibrate_tsc() counts in 32 bits */
    assert_int_equal(get(0x16, 0, EAX), (hz + 500000) / 1000000);
    assert_int_equal(get(0x16, 0, EBX), get(0x16, 0, EAX));
    assert_int_equal(get(0x40000002, 0, EAX), hz / 1000);
}

static void test_tsc_rate(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1000000,    200000000,  1900000000, 2399999999,  2400000000,
                                     2400000001, 4294967295, 4294967296, 4294967297,  5200000000,
                                     8589934590, 8589934591, 9999999999, 64000000000, 64999999999};
    for (uint32_t i = 0; i < ARRAY_SIZE(rates); i++)
        check_tsc(rates[i]);
    uint64_t seed = 10;
    for (uint32_t i = 0; i < 10000; i++)
        check_tsc(1000000 + random_next(&seed) % 64000000000);
}

/* The host's own words are kept where they are true: then the crystal is the APIC timer's too. */
static void test_crystal(void **state)
{
    (void)state;
    check_tsc(2400000000); /* 24 MHz * 200 / 2 */
    assert_int_equal(get(0x15, 0, EAX), 2);
    assert_int_equal(get(0x15, 0, EBX), 200);
    assert_int_equal(get(0x15, 0, ECX), 24000000);
    assert_int_equal(get(0x40000002, 0, EBX), 24000);
    check_tsc(2400000100);
    assert_int_equal(get(0x15, 0, EAX), 1);
    assert_int_equal(get(0x15, 0, EBX), 1);
    assert_int_equal(get(0x15, 0, ECX), 2400000100);

    host_row(0x15, 0)->ecx = 0; /* as Skylake: crystal not said */
    check_tsc(2400000000);
    assert_int_equal(get(0x40000002, 0, EBX), 0);
}

/* A measured APIC timer decides where the host is silent or wrong about its crystal. */
static void test_measured_timer(void **state)
{
    static const uint64_t tsc[] = {1000000000, 2598000000, 2893123456, 5200000000, 64000000000};
    static const uint64_t timer[] = {19200000, 24000000,   25000000,
                                     99999999, 1000000000, 2598000000};

    (void)state;
    wish.apic_timer_hz = 24100000; /* as the crystal, measured badly */
    check_tsc(2400000000);
    assert_int_equal(get(0x15, 0, ECX), 24000000);
    assert_int_equal(get(0x40000002, 0, EBX), 24000);
    for (uint32_t i = 0; i < ARRAY_SIZE(tsc) * ARRAY_SIZE(timer); i++) {
        const uint64_t want = timer[i % ARRAY_SIZE(timer)];
        wish.apic_timer_hz = want;
        check_tsc(tsc[i / ARRAY_SIZE(timer)]);
        if (wish.tsc_hz <= 5200000000 && want < wish.tsc_hz)
            assert_in_range(get(0x15, 0, ECX), want - want / 900, want + want / 900);
        assert_int_equal(get(0x40000002, 0, EBX), want / 1000);
    }
    host_row(0x15, 0)->ecx = 0;
    wish.apic_timer_hz = 0;
    check_tsc(2400000000);
    assert_int_equal(get(0x40000002, 0, EBX), 0);
}

/* ------------------------------------------------------------------ the table itself */

static void test_host_wants(void **state)
{
    (void)state;
    uint32_t leaf = 0, subleaf = 0, last_leaf = 0, last_subleaf = 0, count = 0;
    while (vcpuid_host_wants(&cpuid_intel, count, &leaf, &subleaf)) {
        assert_true(leaf < 0x40000000 || leaf >= 0x80000000);
        if (count++ > 0)
            assert_true(leaf > last_leaf || (leaf == last_leaf && subleaf > last_subleaf));
        last_leaf = leaf;
        last_subleaf = subleaf;
    }
    assert_true(count > 20 && count <= VCPUID_HOST_MAX);
    assert_false(vcpuid_host_wants(&cpuid_intel, count + 1, &leaf, &subleaf));
    assert_false(vcpuid_host_wants(&cpuid_intel, UINT32_MAX, &leaf, &subleaf));
}

static void test_rows_are_sorted(void **state)
{
    (void)state;
    assert_true(table.count < VCPUID_ROWS_MAX);
    for (uint32_t i = 1; i < table.count; i++) {
        const struct cpuid_row *a = &table.rows[i - 1], *b = &table.rows[i];
        assert_true(b->leaf > a->leaf || (b->leaf == a->leaf && b->subleaf > a->subleaf));
    }
    for (uint32_t i = 0; i < VCPUID_SLOTS; i++)
        assert_in_range(table.place[i], offsetof(struct vcpuid, rows),
                        offsetof(struct vcpuid, rows[table.count]));
    for (uint32_t i = 0; i < table.count; i++) {
        const struct cpuid_row *row = &table.rows[i];
        if (vcpuid_is_dynamic(row->leaf))
            continue;
        assert_int_equal(get(row->leaf, row->subleaf, EAX), row->eax);
        assert_int_equal(get(row->leaf, row->subleaf, EBX), row->ebx);
        assert_int_equal(get(row->leaf, row->subleaf, ECX), row->ecx);
        assert_int_equal(get(row->leaf, row->subleaf, EDX), row->edx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_signatures, every_feature),
        cmocka_unit_test_setup(test_osxsave_follows_cr4, every_feature),
        cmocka_unit_test_setup(test_dynamic_leaves_are_named, every_feature),
        cmocka_unit_test_setup(test_xsave_sizes, every_feature),
        cmocka_unit_test_setup(test_topology, every_feature),
        cmocka_unit_test_setup(test_topology_of_odd_hosts, every_feature),
        cmocka_unit_test_setup(test_tsc_rate, every_feature),
        cmocka_unit_test_setup(test_crystal, every_feature),
        cmocka_unit_test_setup(test_measured_timer, every_feature),
        cmocka_unit_test_setup(test_host_wants, every_feature),
        cmocka_unit_test_setup(test_rows_are_sorted, every_feature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
