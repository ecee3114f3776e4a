/* SPDX-License-Identifier: MIT */
/*
 * test_vmsi: a message goes to a core of the guest that wrote it, as a fixed interrupt of a vector
 * that devices may have, or nowhere.
 */
#include "vdev/vmsi.h"

#include "support.h"

static const struct vapic_peers peers = {.count = 3, .apic_ids = {1, 4, 300}};

static void goes(uint32_t address, uint32_t data, uint32_t vcpu, uint32_t value)
{
    struct vmsi_target target = {0};

    assert_true(vmsi_route(address, data, &peers, &target));
    assert_int_equal(target.vcpu, vcpu);
    assert_int_equal(target.value, value);
}

static void goes_nowhere(uint32_t address, uint32_t data)
{
    struct vmsi_target target = {.vcpu = 77, .value = 88};

    assert_false(vmsi_route(address, data, &peers, &target));
    assert_int_equal(target.vcpu, 77);
    assert_int_equal(target.value, 88);
}

static void test_own_cores(void **state)
{
    (void)state;
    goes(0xfee01000, 0x20, 0, 0x4020);
    goes(0xfee04000, 0xff, 1, 0x40ff);
    goes(0xfee2c020, 0x41, 2, 0x4041); /* 300: 0x2c, and 1 for bits 14 to 8 */
}

static void test_strangers(void **state)
{
    (void)state;
    goes_nowhere(0xfee00000, 0x20); /* core 0 is somebody else's */
    goes_nowhere(0xfee02000, 0x20);
    goes_nowhere(0xfee01010, 0x20); /* for an IOMMU */
    goes_nowhere(0xfeeff000, 0x20); /* all cores */
    goes_nowhere(0xfee2c000, 0x20);
    goes_nowhere(0xfee01020, 0x20); /* 257 */
    for (uint32_t id = 0; id < 0x8000; id++) {
        struct vmsi_target target;
        const uint32_t address = 0xfee00000 | (id & 0xff) << 12 | id >> 8 << 5;
        assert_int_equal(vmsi_route(address, 0x30, &peers, &target),
                         id == 1 || id == 4 || id == 300);
    }
}

static void test_other_messages(void **state)
{
    (void)state;
    for (uint32_t vector = 0; vector < 32; vector++)
        goes_nowhere(0xfee01000, vector);
    for (uint32_t bit = 8; bit < 16; bit++) /* SMI, NMI, INIT, ExtINT, level, ... */
        goes_nowhere(0xfee01000, 0x20 | 1u << bit);
    goes_nowhere(0xfee01008, 0x20);          /* redirection */
    goes_nowhere(0xfee01004, 0x20);          /* logical */
    for (uint32_t bit = 20; bit < 32; bit++) /* elsewhere in memory */
        goes_nowhere(0xfee01000 ^ 1u << bit, 0x20);
}

static void test_nobody(void **state)
{
    const struct vapic_peers none = {0};
    struct vmsi_target target;
    (void)state;
    assert_false(vmsi_route(0xfee00000, 0x20, &none, &target));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_cores),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_other_messages),
        cmocka_unit_test(test_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
