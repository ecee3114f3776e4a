/* SPDX-License-Identifier: MIT */
/*
 * test_vpci: configuration space as kernels walk it, and as nobody should.
 */
#include "vdev/vpci.h"

#include "support.h"

static struct vpci pci;

static int reset(void **state)
{
    (void)state;
    vpci_reset(&pci);
    return 0;
}

static void latch(uint32_t slot, uint32_t reg)
{
    assert_null(vpci_out(&pci, 0xcf8, 4, 0x80000000 | slot << 11 | (reg & 0xfc)));
}

static uint32_t read(uint32_t slot, uint32_t reg, uint8_t size)
{
    latch(slot, reg);
    return vpci_in(&pci, (uint16_t)(0xcfc + (reg & 3)), size);
}

/* Whether messages may go elsewhere from now on. */
static bool write(uint32_t slot, uint32_t reg, uint8_t size, uint32_t value)
{
    latch(slot, reg);
    const struct vpci_function *f = vpci_out(&pci, (uint16_t)(0xcfc + (reg & 3)), size, value);
    assert_true(f == NULL || f == &pci.slots[slot]);
    return f != NULL;
}

static void test_which_accesses(void **state)
{
    (void)state;
    for (uint32_t port = 0; port <= 0xffff; port++)
        for (uint8_t size = 1; size <= 4; size = (uint8_t)(size * 2)) {
            const bool data = port >= 0xcfc && port + size <= 0xd00;
            const bool address = (port == 0xcf8 && size == 4) ||
                                 (size == 1 && (port == 0xcf8 || port == 0xcfa || port == 0xcfb));
            assert_int_equal(vpci_claims((uint16_t)port, size), data || address);
        }
}

/* arch/x86/pci/direct.c: a byte to the fourth port first, then the latch has to keep its value. */
static void test_latch(void **state)
{
    (void)state;
    assert_null(vpci_out(&pci, 0xcfb, 1, 1));
    assert_int_equal(vpci_in(&pci, 0xcf8, 4), 0);
    assert_null(vpci_out(&pci, 0xcf8, 4, 0x80000000));
    assert_int_equal(vpci_in(&pci, 0xcf8, 4), 0x80000000);
    assert_null(vpci_out(&pci, 0xcf8, 1, 0xff));
    assert_int_equal(vpci_in(&pci, 0xcf8, 1), 0xff);
    assert_int_equal(vpci_in(&pci, 0xcf8, 4), 0x80000000);
}

static void test_host_bridge(void **state)
{
    (void)state;
    assert_int_equal(read(0, 0, 4), 0x00081b36);
    assert_int_equal(read(0, 0x0a, 2), 0x0600);
    assert_int_equal(read(0, 0x0e, 1), 0); /* one function, not a bridge to another bus */
    for (uint32_t reg = 0x10; reg < 0x100; reg += 4)
        assert_int_equal(read(0, reg, 4), 0);
    for (uint32_t reg = 0x40; reg <= 0x48; reg += 4) {
        assert_false(write(0, reg, 4, UINT32_MAX)); /* it sends no messages */
        assert_int_equal(read(0, reg, 4), 0);
    }
}

static void test_uart(void **state)
{
    (void)state;
    assert_int_equal(read(1, 0, 4), 0x99009710);
    assert_int_equal(read(1, 4, 4), 0x00100003);
    assert_int_equal(read(1, 8, 4), 0x07800200);
    assert_int_equal(read(1, 0x10, 4), 0x3f9);
    assert_int_equal(read(1, 0x2c, 4), 0x1000a000);
    assert_int_equal(read(1, 0x34, 4), 0x40);
    assert_int_equal(read(1, 0x3d, 1), 0); /* no pin */
    assert_int_equal(read(1, 0x40, 4), 0x5);
}

static void test_sizing(void **state)
{
    (void)state;
    assert_false(write(1, 0x10, 4, UINT32_MAX));
    assert_int_equal(read(1, 0x10, 4), 0xfffffff9);
    assert_false(write(1, 0x10, 4, 0x3f9));
    assert_int_equal(read(1, 0x10, 4), 0x3f9);
    assert_false(write(1, 0x10, 4, 0x1001)); /* it does not move */
    assert_int_equal(read(1, 0x10, 4), 0x3f9);
    for (uint32_t reg = 0x14; reg <= 0x30; reg += 4) {
        if (reg == 0x2c)
            continue;
        assert_false(write(1, reg, 4, UINT32_MAX));
        assert_int_equal(read(1, reg, 4), 0);
    }
}

static void test_nobody(void **state)
{
    (void)state;
    for (uint32_t slot = 2; slot < 32; slot++) {
        assert_int_equal(read(slot, 0, 4), UINT32_MAX);
        assert_int_equal(read(slot, 0, 2), 0xffff);
        assert_int_equal(read(slot, 0, 1), 0xff);
        assert_false(write(slot, 4, 4, UINT32_MAX));
    }
}

/* Other buses, other functions, AMD's extended registers, a latch that is off. */
static void test_other_addresses(void **state)
{
    (void)state;
    for (uint32_t bit = 8; bit <= 31; bit++) {
        if (bit >= 11 && bit <= 15)
            continue;
        (void)!vpci_out(&pci, 0xcf8, 4, 0x80000800 ^ 1u << bit);
        assert_int_equal(vpci_in(&pci, 0xcfc, 4), UINT32_MAX);
        assert_null(vpci_out(&pci, 0xcfc, 4, 0));
    }
    (void)!vpci_out(&pci, 0xcf8, 4, 0x80000803); /* the low bits are no part of the register */
    assert_int_equal(vpci_in(&pci, 0xcfc, 4), 0x99009710);
    assert_int_equal(vpci_in(&pci, 0xcfe, 2), 0x9900);
    assert_int_equal(vpci_in(&pci, 0xcfd, 1), 0x97);
}

static void test_message(void **state)
{
    const struct vpci_function *uart = &pci.slots[VPCI_UART];
    uint32_t address, data;
    (void)state;
    assert_false(vpci_message(uart, &address, &data));
    assert_true(write(1, 0x44, 4, 0xfee01000));
    assert_true(write(1, 0x48, 2, 0x4123));
    assert_true(write(1, 0x42, 2, 1));
    assert_false(vpci_message(uart, &address, &data)); /* not a bus master */
    assert_true(write(1, 4, 2, 7));
    assert_true(vpci_message(uart, &address, &data));
    assert_int_equal(address, 0xfee01000);
    assert_int_equal(data, 0x4123);
    assert_int_equal(read(1, 0x42, 2), 1);
    assert_true(write(1, 0x42, 2, 0));
    assert_false(vpci_message(uart, &address, &data));
    vpci_reset(&pci);
    assert_int_equal(read(1, 0x44, 4), 0);
    assert_int_equal(read(1, 4, 2), 3);
}

/* Bit by bit: what can be written, and nothing else. */
static void test_writable_bits(void **state)
{
    (void)state;
    for (uint32_t slot = 0; slot < VPCI_SLOTS; slot++)
        for (uint32_t reg = 0; reg < 0x100; reg += 4) {
            const uint32_t before = read(slot, reg, 4);
            const bool there = slot < 2, uart = slot == 1;
            uint32_t can = 0;

            if (reg == 0x04 && there)
                can = 0x407;
            else if (reg == 0x3c && there)
                can = 0xff;
            else if (reg == 0x40 && uart)
                can = 0x10000;
            else if (reg == 0x44 && uart)
                can = 0xfffffffc;
            else if (reg == 0x48 && uart)
                can = 0xffff;
            (void)write(slot, reg, 4, ~before & 0xfffffffe); /* not all ones: that is sizing */
            assert_int_equal((read(slot, reg, 4) ^ before) & ~can, 0);
            (void)write(slot, reg, 4, before);
            for (uint32_t bit = 0; bit < 32; bit++) {
                (void)write(slot, reg, 4, before ^ 1u << bit);
                assert_int_equal(read(slot, reg, 4), before ^ (1u << bit & can));
                (void)write(slot, reg, 4, before);
            }
        }
}

static void test_random(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        const uint64_t r = random_next(&seed);
        const uint16_t port = (uint16_t)(0xcf8 + (r & 7));
        const uint8_t size = (uint8_t)(1u << (r >> 3) % 3);
        uint32_t value = (uint32_t)(r >> 32);

        if (r & 0x100) /* mostly where something is */
            value = (value & 0x1ffc) | 0x80000000;
        if (!vpci_claims(port, size))
            continue;
        if (r & 0x200)
            (void)!vpci_out(&pci, port, size, value);
        else
            assert_true(size == 4 || vpci_in(&pci, port, size) >> 8 * size == 0);
    }
    assert_int_equal(read(1, 0, 4), 0x99009710);
    (void)write(1, 0x10, 4, 0);
    assert_int_equal(read(1, 0x10, 4), 0x3f9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_which_accesses, reset),
        cmocka_unit_test_setup(test_latch, reset),
        cmocka_unit_test_setup(test_host_bridge, reset),
        cmocka_unit_test_setup(test_uart, reset),
        cmocka_unit_test_setup(test_sizing, reset),
        cmocka_unit_test_setup(test_nobody, reset),
        cmocka_unit_test_setup(test_other_addresses, reset),
        cmocka_unit_test_setup(test_message, reset),
        cmocka_unit_test_setup(test_writable_bits, reset),
        cmocka_unit_test_setup(test_random, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
