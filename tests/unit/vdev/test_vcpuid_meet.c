/* SPDX-License-Identifier: MIT */
/*
 * test_vcpuid_meet: what a guest is told whose cores are not of one kind. Every word of every row
 * of both vendors' tables, bit by bit, from hosts that have all and hosts that lack one bit.
 */
#include "vdev/vcpuid.h"

#include "support.h"

#include "lib/string.h"
#include "vdev/vendor.h"

/* Words that are no features: each core tells its own. */
static const struct {
    uint32_t leaf;
    uint32_t words; /* bit 0: EAX, 1: EBX, 2: ECX, 3: EDX */
} own_words[] = {
    {0x0, 0xe},                  /* the vendor */
    {0x1, 0x3},                  /* family and model; CLFLUSH size */
    {0x2, 0xf},                  /* caches */
    {0x4, 0xf},                  /* caches */
    {0x16, 0x4},                 /* bus clock */
    {0x1a, 0x1},                 /* the core's kind */
    {LEAF_EXTENDED, 0xe},        /* the vendor */
    {LEAF_EXTENDED + 2, 0xf},    /* the name */
    {LEAF_EXTENDED + 3, 0xf},    /* the name */
    {LEAF_EXTENDED + 4, 0xf},    /* the name */
    {LEAF_EXTENDED + 5, 0xf},    /* caches */
    {LEAF_EXTENDED + 6, 0xf},    /* caches */
    {LEAF_EXTENDED + 0x19, 0xf}, /* TLBs */
    {LEAF_EXTENDED + 0x1a, 0xf}, /* how wide SSE is carried out */
    {LEAF_EXTENDED + 0x1d, 0xf}, /* caches */
};

static bool is_own(uint32_t leaf, uint32_t word)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(own_words); i++)
        if (own_words[i].leaf == leaf && (own_words[i].words & BIT32(word)))
            return true;
    return false;
}

/* Where ids are cut and how fast clocks count is the machine's: firmware and hardware give each
 * core the same words. */
static bool is_machine(uint32_t leaf, uint32_t word)
{
    return leaf == 0xb || leaf == 0x15 || (leaf == 0x1 && word == 1);
}

static uint32_t *row_word(struct cpuid_row *row, uint32_t word)
{
    uint32_t *const words[] = {&row->eax, &row->ebx, &row->ecx, &row->edx};
    return words[word];
}

/* All leaves that the policy asks for, all bits set. */
static struct vcpuid_host host_with_all(const struct vcpuid_policy *policy)
{
    struct vcpuid_host host = {0};
    uint32_t leaf, subleaf;

    while (vcpuid_host_wants(policy, host.count, &leaf, &subleaf))
        host.rows[host.count++] =
            (struct cpuid_row){leaf, subleaf, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    return host;
}

/* What a vCPU is shown of a host; nothing in the wish differs between the cores. */
static struct vcpuid shown(const struct vcpuid_policy *policy, const struct vcpuid_host *host)
{
    static const struct vcpuid_wish wish = {.core_count = 2,
                                            .physical_bits = 46,
                                            .tsc_hz = 1000000000,
                                            .apic_timer_hz = 1000000000,
                                            .xcr0_allowed = UINT64_MAX};
    struct vcpuid out;

    vcpuid_build(&out, policy, host, &wish);
    return out;
}

static void assert_alike(const struct vcpuid *a, const struct vcpuid *b, uint32_t leaf)
{
    assert_int_equal(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        struct cpuid_row left = a->rows[i], right = b->rows[i];

        for (uint32_t word = 0; word < 4; word++)
            if (!is_own(left.leaf, word) && *row_word(&left, word) != *row_word(&right, word))
                fail_msg("host leaf 0x%x: leaf 0x%x.%u, word %u: 0x%x and 0x%x", leaf, left.leaf,
                         left.subleaf, word, *row_word(&left, word), *row_word(&right, word));
    }
}

/* A bit less on one core: both cores of a guest say the same then, and none says what it lacks. */
static void each_bit(const struct vcpuid_policy *policy)
{
    const struct vcpuid_host all = host_with_all(policy);

    for (uint32_t row = 0; row < all.count; row++) {
        for (uint32_t bit = 0; bit < 4 * 32; bit++) {
            struct vcpuid_host less = all, more = all;
            struct vcpuid on_less, on_more;

            if (is_machine(all.rows[row].leaf, bit / 32))
                continue;

            *row_word(&less.rows[row], bit / 32) &= ~BIT32(bit % 32);
            const struct vcpuid_host poor = less;
            vcpuid_host_meet(&less, &all);
            vcpuid_host_meet(&more, &poor);
            on_less = shown(policy, &less);
            on_more = shown(policy, &more);
            assert_alike(&on_less, &on_more, all.rows[row].leaf);
            if (!is_own(all.rows[row].leaf, bit / 32)) {
                const struct vcpuid alone = shown(policy, &poor);
                if (all.rows[row].leaf != 0xd || all.rows[row].subleaf < 2)
                    assert_alike(&on_less, &alone, all.rows[row].leaf);
            }
            assert_int_equal(vcpuid_xcr0_allowed(&less), vcpuid_xcr0_allowed(&more));
            assert_int_equal(vcpuid_cr4_allowed(policy, &less), vcpuid_cr4_allowed(policy, &more));
        }
    }
}

static void test_each_bit(void **state)
{
    (void)state;
    each_bit(&cpuid_intel);
    each_bit(&cpuid_amd);
}

static struct cpuid_row *row_of(struct vcpuid_host *host, uint32_t leaf, uint32_t subleaf)
{
    for (uint32_t i = 0; i < host->count; i++)
        if (host->rows[i].leaf == leaf && host->rows[i].subleaf == subleaf)
            return &host->rows[i];
    fail();
    return NULL;
}

/* A part of the XSAVE area that lies elsewhere on the other core is no part of a guest's. */
static void test_xsave_elsewhere(void **state)
{
    struct vcpuid_host a = host_with_all(&cpuid_intel), b = a;

    (void)state;
    row_of(&a, 0xd, 5)->ebx = 0x440;
    row_of(&b, 0xd, 5)->ebx = 0x340;
    const struct vcpuid_host own = a;
    vcpuid_host_meet(&a, &b);
    assert_int_equal(vcpuid_xcr0_allowed(&own) & BIT64(5), BIT64(5));
    assert_int_equal(vcpuid_xcr0_allowed(&a), vcpuid_xcr0_allowed(&own) & ~UINT64_C(0xe0));
}

/* A core of the same kind takes nothing away. */
static void test_same(void **state)
{
    struct vcpuid_host a = host_with_all(&cpuid_amd);
    const struct vcpuid_host b = a;

    (void)state;
    vcpuid_host_meet(&a, &b);
    assert_memory_equal(&a, &b, sizeof(a));
}

/* Caches and names are the core's own. */
static void test_own(void **state)
{
    struct vcpuid_host a = host_with_all(&cpuid_intel), b = a;

    (void)state;
    row_of(&a, 0x4, 2)->ecx = 511;
    row_of(&b, 0x4, 2)->ecx = 4095;
    row_of(&a, 0x1, 0)->eax = 0x90672;
    row_of(&b, 0x1, 0)->eax = 0x906a2;
    vcpuid_host_meet(&a, &b);
    assert_int_equal(row_of(&a, 0x4, 2)->ecx, 511);
    assert_int_equal(row_of(&a, 0x1, 0)->eax, 0x90672);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_bit),
        cmocka_unit_test(test_xsave_elsewhere),
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
