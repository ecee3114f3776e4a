/* SPDX-License-Identifier: MIT */
/*
 * test_bus: all 65536 ports in all three sizes, and that a wide access is the sum of its bytes.
 */
#include "vdev/bus.h"

#include "support.h"

static struct tx_ring tx;
static struct rx_ring rx;
static struct bus bus;

static const uint8_t sizes[] = {1, 2, 4};

static int reset(void **state)
{
    (void)state;
    tx_init(&tx);
    rx_init(&rx);
    bus_reset(&bus, &tx, &rx);
    return 0;
}

static bool is_open(uint32_t port)
{
    return (port & 0xffff) >= 0x3f8 && (port & 0xffff) <= 0x3ff;
}

static void test_closed_ports(void **state)
{
    (void)state;
    uint64_t refused = 0;
    for (uint32_t port = 0; port < 0x10000; port++) {
        for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            uint8_t size = sizes[i];
            uint32_t open = 0, closed_mask = 0;
            for (uint32_t k = 0; k < size; k++) {
                open += is_open(port + k);
                closed_mask |= is_open(port + k) ? 0 : 0xffu << (8 * k);
            }
            uint32_t value = bus_in(&bus, (uint16_t)port, size);
            assert_int_equal(value & closed_mask, closed_mask);
            if (open < size) {
                assert_int_equal(bus.refused, ++refused);
                assert_int_equal(bus.last_refused, port);
            }
            if (size < 4)
                assert_int_equal(value >> (8 * size), 0);
            if (open != 0)
                continue;
            bus_out(&bus, (uint16_t)port, size, 0x5a5a5a5a);
            assert_int_equal(bus.refused, ++refused);
        }
    }
    uint8_t record[TX_RECORD_MAX];
    assert_int_equal(tx_get(&tx, record), 0); /* no byte found its way to the console */
}

static void test_open_ports_are_not_counted(void **state)
{
    (void)state;
    for (uint16_t port = 0x3f8; port <= 0x3ff; port++)
        (void)bus_in(&bus, port, 1);
    assert_int_equal(bus_in(&bus, 0x3fd, 1), 0x60);
    assert_int_equal(bus_in(&bus, 0x3fd, 2), 0xb060);
    bus_out(&bus, 0x3fc, 4, 0x77000000); /* MCR, LSR, MSR, SCR */
    assert_int_equal(bus_in(&bus, 0x3fc, 4), 0x77b06000);
    assert_int_equal(bus.refused, 0);
}

static void test_straddling(void **state)
{
    (void)state;
    /* 0x3f6, 0x3f7 are nobody's; DATA and IER follow. */
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(bus_in(&bus, 0x3f6, 4), 0x0061ffff);
    assert_int_equal(bus.refused, 1);
    assert_int_equal(bus.last_refused, 0x3f6);

    bus_out(&bus, 0x3f7, 2, 'b' << 8);
    uint8_t record[TX_RECORD_MAX];
    assert_int_equal(tx_get(&tx, record), 1);
    assert_int_equal(record[0], 'b');
    assert_int_equal(bus.refused, 2);

    /* MSR and SCR, then 0x400 and 0x401. */
    bus_out(&bus, 0x3fe, 4, 0x11224455);
    assert_int_equal(bus.uart.scr, 0x44);
    assert_int_equal(bus_in(&bus, 0x3fe, 4), 0xffff44b0);
    assert_int_equal(bus.refused, 4);
}

static void test_wrap(void **state)
{
    (void)state;
    assert_int_equal(bus_in(&bus, 0xffff, 1), 0xff);
    assert_int_equal(bus_in(&bus, 0xffff, 2), 0xffff);
    assert_int_equal(bus_in(&bus, 0xffff, 4), 0xffffffff);
    assert_int_equal(bus_in(&bus, 0xfffd, 4), 0xffffffff);
    bus_out(&bus, 0xffff, 4, 0);
    bus_out(&bus, 0xfffe, 4, 0);
    assert_int_equal(bus.refused, 6);
    assert_int_equal(bus.last_refused, 0xfffe);
}

static void test_wide_is_the_sum_of_bytes(void **state)
{
    (void)state;
    struct bus *wide = &bus;
    static struct tx_ring other_tx;
    static struct rx_ring other_rx;
    static struct bus narrow;
    tx_init(&other_tx);
    rx_init(&other_rx);
    bus_reset(&narrow, &other_tx, &other_rx);

    uint64_t seed = 6;
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t r = random_next(&seed);
        uint16_t port = (uint16_t)(0x3f0 + (r & 0x1f));
        uint8_t size = sizes[(r >> 8) % 3];
        uint32_t value = (uint32_t)(r >> 32), sum = 0;
        if ((r & 0x8000) != 0) {
            bus_out(wide, port, size, value);
            for (uint32_t k = 0; k < size; k++)
                bus_out(&narrow, (uint16_t)(port + k), 1, value >> (8 * k));
        } else {
            for (uint32_t k = 0; k < size; k++)
                sum |= bus_in(&narrow, (uint16_t)(port + k), 1) << (8 * k);
            assert_int_equal(bus_in(wide, port, size), sum);
        }
        if ((r & 0x70000) == 0) {
            assert_int_equal(rx_put(&rx, (uint8_t)r), rx_put(&other_rx, (uint8_t)r));
        }
    }
    uint8_t a[TX_RECORD_MAX], b[TX_RECORD_MAX];
    size_t len;
    while ((len = tx_get(&tx, a)) != 0) {
        assert_int_equal(tx_get(&other_tx, b), len);
        assert_int_equal(a[0], b[0]);
    }
    assert_int_equal(tx_get(&other_tx, b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_closed_ports, reset),
        cmocka_unit_test_setup(test_open_ports_are_not_counted, reset),
        cmocka_unit_test_setup(test_straddling, reset),
        cmocka_unit_test_setup(test_wrap, reset),
        cmocka_unit_test_setup(test_wide_is_the_sum_of_bytes, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
