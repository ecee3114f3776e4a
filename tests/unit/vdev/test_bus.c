/* SPDX-License-Identifier: MIT */
/*
 * test_bus: all 65536 ports in all three sizes, and that a wide access is the sum of its bytes.
 */
#include "vdev/bus.h"

#include "support.h"

static struct tx_ring tx;
static struct rx_ring rx;
static struct bus bus;
static struct refused refused;

static const struct time_scale *scale_1ghz(void)
{
    static struct time_scale scale;
    scale = time_scale_make(NS_PER_SECOND);
    return &scale;
}

static const uint8_t sizes[] = {1, 2, 4};

static struct vrtc_clock clock_2026;

static int reset(void **state)
{
    (void)state;
    clock_2026 = (struct vrtc_clock){.scale = scale_1ghz(), .start = 0, .seconds = 1767225600};
    tx_init(&tx);
    rx_init(&rx);
    bus_reset(&bus, &tx, &rx, &clock_2026, false);
    refused = (struct refused){0};
    return 0;
}

static bool is_open(uint32_t port)
{
    port &= 0xffff;
    return (port >= 0x3f8 && port <= 0x3ff) || (port >= 0x600 && port <= 0x602) || port == 0x70 ||
           port == 0x71 || port == 0x42 || port == 0xe9;
}

/* Where nothing is going to happen. */
static void out(uint16_t port, uint8_t size, uint32_t value)
{
    const enum bus_event want = port + size > 0x3f8 && port <= 0x3ff ? BUS_TEXT : BUS_NONE;

    assert_int_equal(bus_out(&bus, port, size, value, 0, &refused), want);
}

static void test_closed_ports(void **state)
{
    (void)state;
    uint64_t closed = 0;
    for (uint32_t port = 0; port < 0x10000; port++) {
        for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
            uint8_t size = sizes[i];
            uint32_t open = 0, closed_mask = 0;
            for (uint32_t k = 0; k < size; k++) {
                open += is_open(port + k);
                closed_mask |= is_open(port + k) ? 0 : 0xffu << (8 * k);
            }
            uint32_t value = bus_in(&bus, (uint16_t)port, size, 0, &refused);
            assert_int_equal(value & closed_mask, closed_mask);
            if (open < size) {
                assert_int_equal(refused.total, ++closed);
            }
            if (size < 4)
                assert_int_equal(value >> (8 * size), 0);
            if (open != 0)
                continue;
            assert_int_equal(bus_out(&bus, (uint16_t)port, size, 0x5a5a5a5a, 0, &refused),
                             BUS_NONE);
            assert_int_equal(refused.total, ++closed);
        }
    }
    uint8_t record[TX_RECORD_MAX];
    assert_int_equal(tx_get(&tx, record), 0); /* no byte found its way to the console */
}

static void test_open_ports_are_not_counted(void **state)
{
    (void)state;
    for (uint16_t port = 0x3f8; port <= 0x3ff; port++)
        (void)bus_in(&bus, port, 1, 0, &refused);
    assert_int_equal(bus_in(&bus, 0x3fd, 1, 0, &refused), 0x60);
    assert_int_equal(bus_in(&bus, 0x3fd, 2, 0, &refused), 0xb060);
    out(0x3fc, 4, 0x77000000); /* MCR, LSR, MSR, SCR */
    assert_int_equal(bus_in(&bus, 0x3fc, 4, 0, &refused), 0x77b06000);
    assert_int_equal(refused.total, 0);
}

/* A PC's timer that does not count: who waits for a change of 0xff would wait long. */
static void test_timer_port(void **state)
{
    (void)state;
    assert_int_equal(bus_in(&bus, 0x42, 1, 0, &refused), 0);
    out(0x42, 1, 0xff);
    assert_int_equal(bus_in(&bus, 0x42, 1, 0, &refused), 0);
    assert_int_equal(refused.total, 0);
    assert_int_equal(bus_in(&bus, 0x40, 4, 0, &refused), 0xff00ffff);
    assert_int_equal(bus_in(&bus, 0x61, 1, 0, &refused), 0xff);
    assert_int_equal(refused.total, 2);
}

/* A byte is a byte of the console, also while the UART talks to itself. */
static void test_debug_console(void **state)
{
    uint8_t record[TX_RECORD_MAX];

    (void)state;
    assert_int_equal(bus_in(&bus, 0xe9, 1, 0, &refused), 0xe9);
    assert_int_equal(refused.total, 0);
    assert_int_equal(bus_in(&bus, 0xe8, 4, 0, &refused), 0xffffe9ff);
    assert_int_equal(refused.total, 1);
    out(0x3fc, 1, 0x10); /* loopback */
    assert_int_equal(bus_out(&bus, 0xe9, 1, 'a', 0, &refused), BUS_TEXT);
    assert_int_equal(bus_out(&bus, 0xe8, 2, 'b' << 8 | 'x', 0, &refused), BUS_TEXT);
    assert_int_equal(tx_get(&tx, record), 2);
    assert_memory_equal(record, "ab", 2);
    assert_int_equal(refused.total, 2);
    for (uint32_t i = 0; i <= TX_RING_RECORDS * TX_RECORD_MAX; i++)
        assert_int_equal(bus_out(&bus, 0xe9, 1, 'c', 0, &refused), BUS_TEXT);
    assert_true(bus.uart.lost > 0); /* nobody waits for room, and it is counted */
    assert_int_equal(refused.total, 2);
}

static void test_straddling(void **state)
{
    (void)state;
    /* 0x3f6, 0x3f7 are nobody's; DATA and IER follow. */
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(bus_in(&bus, 0x3f6, 4, 0, &refused), 0x0061ffff);
    assert_int_equal(refused.total, 1);
    assert_int_equal(refused.rows[0].index, 0x3f6);

    out(0x3f7, 2, 'b' << 8);
    uint8_t record[TX_RECORD_MAX];
    assert_int_equal(tx_get(&tx, record), 1);
    assert_int_equal(record[0], 'b');
    assert_int_equal(refused.total, 2);

    /* MSR and SCR, then 0x400 and 0x401. */
    out(0x3fe, 4, 0x11224455);
    assert_int_equal(bus.uart.scr, 0x44);
    assert_int_equal(bus_in(&bus, 0x3fe, 4, 0, &refused), 0xffff44b0);
    assert_int_equal(refused.total, 4);
}

static void test_wrap(void **state)
{
    (void)state;
    assert_int_equal(bus_in(&bus, 0xffff, 1, 0, &refused), 0xff);
    assert_int_equal(bus_in(&bus, 0xffff, 2, 0, &refused), 0xffff);
    assert_int_equal(bus_in(&bus, 0xffff, 4, 0, &refused), 0xffffffff);
    assert_int_equal(bus_in(&bus, 0xfffd, 4, 0, &refused), 0xffffffff);
    out(0xffff, 4, 0);
    out(0xfffe, 4, 0);
    assert_int_equal(refused.total, 6);
    assert_int_equal(refused.rows[0].index, 0xffff);
    assert_int_equal(refused.rows[0].count, 4);
    assert_int_equal(refused.rows[1].index, 0xfffd);
    assert_int_equal(refused.rows[2].index, 0xfffe);
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
    bus_reset(&narrow, &other_tx, &other_rx, &clock_2026, false);

    uint64_t seed = 6;
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t r = random_next(&seed);
        uint16_t port = (uint16_t)(0x3f0 + (r & 0x1f));
        uint8_t size = sizes[(r >> 8) % 3];
        uint32_t value = (uint32_t)(r >> 32), sum = 0;
        if ((r & 0x8000) != 0) {
            (void)!bus_out(wide, port, size, value, 0, &refused);
            for (uint32_t k = 0; k < size; k++)
                (void)!bus_out(&narrow, (uint16_t)(port + k), 1, value >> (8 * k), 0, &refused);
        } else {
            for (uint32_t k = 0; k < size; k++)
                sum |= bus_in(&narrow, (uint16_t)(port + k), 1, 0, &refused) << (8 * k);
            assert_int_equal(bus_in(wide, port, size, 0, &refused), sum);
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

static void event(uint16_t port, uint8_t size, uint32_t value, enum bus_event want)
{
    assert_int_equal(bus_out(&bus, port, size, value, 0, &refused), want);
}

static void test_power_block(void **state)
{
    (void)state;
    event(0x601, 1, 0x80, BUS_NONE);
    event(0x600, 1, 0x14, BUS_NONE); /* not enabled */
    event(0x600, 1, 0x20, BUS_NONE); /* S0 */
    event(0x600, 1, 0x3c, BUS_NONE); /* another type */
    event(0x602, 1, 0, BUS_NONE);
    event(0x602, 1, 0xff, BUS_NONE);
    assert_int_equal(bus_in(&bus, 0x600, 2, 0, &refused), 0);
    assert_int_equal(bus_in(&bus, 0x602, 1, 0, &refused), 0);
    assert_int_equal(refused.total, 0);
    event(0x600, 1, 0x34, BUS_POWER_OFF);
    event(0x600, 1, 0xf7, BUS_POWER_OFF); /* reserved bits mean nothing */
    event(0x602, 1, 1, BUS_RESET);
    event(0x600, 2, 0x8034, BUS_POWER_OFF);
    event(0x600, 4, 0x00010000, BUS_RESET);
    event(0x5ff, 2, 0x3400, BUS_POWER_OFF);
    assert_int_equal(refused.total, 2); /* 0x603 and 0x5ff */
}

/* As on a PC; but a wide write to the PCI address port is none to the reset port inside of it. */
static void test_chipset_resets(void **state)
{
    (void)state;
    event(0x64, 1, 0xfe, BUS_RESET);
    event(0x92, 1, 0x01, BUS_RESET);
    event(0x92, 1, 0xff, BUS_RESET);
    event(0xcf9, 1, 0x06, BUS_RESET);
    event(0xcf9, 1, 0x0e, BUS_RESET);
    assert_int_equal(refused.total, 0);
    event(0x64, 1, 0xff, BUS_NONE);
    event(0x64, 1, 0xd1, BUS_NONE);
    event(0x92, 1, 0x02, BUS_NONE);
    event(0xcf9, 1, 0x02, BUS_NONE);
    event(0xcf8, 4, 0xffffffff, BUS_NONE);
    event(0xcf9, 2, 0x0606, BUS_NONE);
    event(0x63, 2, 0xfefe, BUS_NONE);
    event(0x91, 4, 0xffffffff, BUS_NONE);
    assert_int_equal(refused.total, 8);
    assert_int_equal(bus_in(&bus, 0x64, 1, 0, &refused), 0xff);
    assert_int_equal(bus_in(&bus, 0x92, 1, 0, &refused), 0xff);
    assert_int_equal(bus_in(&bus, 0xcf9, 1, 0, &refused), 0xff);
}

/* The first numbers have rows; what finds none is in the total. */
static void test_refused_rows(void **state)
{
    (void)state;
    struct refused r = {0};
    for (uint32_t i = 0; i < 2 * REFUSED_ROWS; i++) {
        refused_count(&r, 1000 + i);
        refused_count(&r, 1000);
    }
    assert_int_equal(r.total, 4 * REFUSED_ROWS);
    assert_int_equal(r.rows[0].count, 2 * REFUSED_ROWS + 1);
    for (uint32_t i = 1; i < REFUSED_ROWS; i++) {
        assert_int_equal(r.rows[i].index, 1000 + i);
        assert_int_equal(r.rows[i].count, 1);
    }
}

static void test_clock(void **state)
{
    (void)state;
    out(0x70, 1, 9);
    assert_int_equal(bus_in(&bus, 0x71, 1, 0, &refused), 0x26);
    out(0x70, 2, 0x5500); /* index 0, and data that nobody keeps */
    assert_int_equal(bus_in(&bus, 0x70, 2, 59 * NS_PER_SECOND, &refused), 0x59ff);
    assert_int_equal(refused.total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_closed_ports, reset),
        cmocka_unit_test_setup(test_open_ports_are_not_counted, reset),
        cmocka_unit_test_setup(test_straddling, reset),
        cmocka_unit_test_setup(test_timer_port, reset),
        cmocka_unit_test_setup(test_debug_console, reset),
        cmocka_unit_test_setup(test_wrap, reset),
        cmocka_unit_test_setup(test_power_block, reset),
        cmocka_unit_test_setup(test_chipset_resets, reset),
        cmocka_unit_test_setup(test_refused_rows, reset),
        cmocka_unit_test_setup(test_clock, reset),
        cmocka_unit_test_setup(test_wide_is_the_sum_of_bytes, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
