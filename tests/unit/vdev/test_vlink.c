/* SPDX-License-Identifier: MIT */
/*
 * test_vlink: a link's function as a driver of ivshmem sees it, and its registers.
 */
#include "vdev/vlink.h"

#include "support.h"
#include "vdev/vmsi.h"

static struct vpci pci;
static struct vlink link;
static _Atomic uint32_t alive;

static int setup(void **state)
{
    (void)state;
    memset(&link, 0, sizeof(link));
    link.side = 1;
    link.side_count = 3;
    link.alive = &alive;
    alive = 5;
    vlink_init(&link, 2, 0xc0400000, 4 * MIB);
    vpci_reset(&pci);
    vpci_plug(&pci, VPCI_LINK + 2, &link.identity);
    return 0;
}

static uint32_t config_read(uint32_t reg)
{
    assert_null(vpci_out(&pci, 0xcf8, 4, 0x80000000 | (VPCI_LINK + 2) << 11 | reg));
    return vpci_in(&pci, 0xcfc, 4);
}

static void config_write(uint32_t reg, uint32_t value)
{
    assert_null(vpci_out(&pci, 0xcf8, 4, 0x80000000 | (VPCI_LINK + 2) << 11 | reg));
    assert_null(vpci_out(&pci, 0xcfc, 4, value));
}

static void the_function(void **state)
{
    (void)state;
    assert_int_equal(config_read(0), 0x11101af4);
    assert_int_equal(config_read(4), 0x00100003);
    assert_int_equal(config_read(8), 0x05000001);
    assert_int_equal(config_read(0x2c), 0x424b1af4);
    assert_int_equal(config_read(0x10), 0);
    assert_int_equal(config_read(0x14), 0);
    assert_int_equal(config_read(0x18), 0xc0400008);
    assert_int_equal(config_read(0x1c), 0);
    assert_int_equal(config_read(0x20), 0xc021);
    for (uint32_t reg = 0x10; reg <= 0x24; reg += 4)
        config_write(reg, UINT32_MAX);
    assert_int_equal(config_read(0x10), 0);
    assert_int_equal(config_read(0x18), 0xffc00008);
    assert_int_equal(config_read(0x1c), 0);
    assert_int_equal(config_read(0x20), 0xfffffff1);
    assert_int_equal(config_read(0x24), 0);
}

static void without_a_window(void **state)
{
    (void)state;
    vlink_init(&link, 0, 0, 0);
    assert_int_equal(link.identity.bars[2].value, 0);
    assert_int_equal(link.identity.bars[2].size, 0);
    assert_int_equal(link.identity.bars[4].value, 0xc001);
}

static void which_accesses(void **state)
{
    (void)state;
    for (uint32_t port = 0; port <= 0xffff; port++)
        for (uint8_t size = 1; size <= 4; size = (uint8_t)(size * 2)) {
            const bool ours = size == 4 && port >= 0xc000 && port <= 0xc03c && port % 4 == 0;
            assert_int_equal(vlink_claims((uint16_t)port, size), ours);
            if (ours)
                assert_int_equal(vlink_index((uint16_t)port), (port - 0xc000) / 16);
        }
}

static void registers(void **state)
{
    uint32_t side = 99;

    (void)state;
    assert_int_equal(vlink_in(&link, 0xc020), 1);
    assert_int_equal(vlink_in(&link, 0xc024), 5);
    assert_int_equal(vlink_in(&link, 0xc028), 0);
    assert_int_equal(vlink_in(&link, 0xc02c), 0);
    assert_false(vlink_out(&link, 0xc020, 7, &side));
    assert_false(vlink_out(&link, 0xc024, 7, &side));
    assert_int_equal(vlink_in(&link, 0xc020), 1);
    assert_int_equal(vlink_in(&link, 0xc024), 5);
    assert_false(vlink_wants_peers(&link));
    assert_false(vlink_out(&link, 0xc02c, UINT32_MAX, &side));
    assert_int_equal(vlink_in(&link, 0xc02c), 1);
    assert_true(vlink_wants_peers(&link));
    vlink_reset(&link);
    assert_int_equal(vlink_in(&link, 0xc02c), 0);
    link.read_only = true;
    assert_int_equal(vlink_in(&link, 0xc02c), 0x80000000);
    assert_false(vlink_out(&link, 0xc02c, 1, &side));
    assert_int_equal(vlink_in(&link, 0xc02c), 0x80000001);
}

/* Sides of the link, itself too, and vector 0: the only one. */
static void doorbells(void **state)
{
    (void)state;
    for (uint32_t value = 0; value < 8u << 16; value += 0x7fff) {
        uint32_t side = 99;
        const bool rings = vlink_out(&link, 0xc028, value, &side);
        assert_int_equal(rings, value >> 16 < 3 && (value & 0xffff) == 0);
        if (rings)
            assert_int_equal(side, value >> 16);
    }
    uint32_t side = 99;
    assert_true(vlink_out(&link, 0xc028, 2u << 16, &side));
    assert_int_equal(side, 2);
    assert_false(vlink_out(&link, 0xc028, 3u << 16, &side));
    assert_false(vlink_out(&link, 0xc028, 0xffff0000, &side));
}

/* What a hypercall sets is what a driver would have written, and goes where it would. */
static void message_set(void **state)
{
    struct vapic_peers peers = {.count = 3, .apic_ids = {4, 0x123, 0x7fff}};
    struct vpci_function *f = &pci.slots[VPCI_LINK + 2];
    struct vmsi_target target;
    uint32_t address, data;

    (void)state;
    assert_false(vpci_message(f, &address, &data));
    for (uint32_t i = 0; i < peers.count; i++) {
        vpci_set_message(f, vmsi_address(peers.apic_ids[i]), 0x40 + i);
        assert_true(vpci_message(f, &address, &data));
        assert_true(vmsi_route(address, data, &peers, &target));
        assert_int_equal(target.vcpu, i);
        assert_int_equal(target.value, 0x4040 + i);
    }
    assert_int_equal(config_read(0x40), 0x00010005);
    assert_int_equal(config_read(0x04) & 4, 4);
    vpci_set_message(f, vmsi_address(4), 0);
    assert_false(vpci_message(f, &address, &data));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_function, setup),
        cmocka_unit_test_setup(without_a_window, setup),
        cmocka_unit_test_setup(which_accesses, setup),
        cmocka_unit_test_setup(registers, setup),
        cmocka_unit_test_setup(doorbells, setup),
        cmocka_unit_test_setup(message_set, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
