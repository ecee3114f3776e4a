/* SPDX-License-Identifier: MIT */
/*
 * test_vuart: the 16550A as drivers meet it: detection, loopback self-test, polled output and
 * input, and a console that does not keep up.
 */
#include "vdev/vuart.h"

#include "support.h"

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };
#define FCR IIR

static struct tx_ring tx;
static struct rx_ring rx;
static struct vuart uart;

static int reset(void **state)
{
    (void)state;
    tx_init(&tx);
    rx_init(&rx);
    vuart_reset(&uart, &tx, &rx);
    return 0;
}

static uint8_t in(uint32_t reg)
{
    return vuart_in(&uart, reg);
}

static void out(uint32_t reg, uint8_t value)
{
    vuart_out(&uart, reg, value);
}

static void sent(const char *text)
{
    uint8_t record[TX_RECORD_MAX];
    size_t len;
    while ((len = tx_get(&tx, record)) > 0) {
        assert_memory_equal(record, text, len);
        text += len;
    }
    assert_int_equal(*text, '\0');
}

static void fill(void)
{
    for (uint32_t i = 0; i < TX_RING_RECORDS * TX_RECORD_MAX; i++)
        out(DATA, 'x');
}

static void test_after_reset(void **state)
{
    (void)state;
    assert_int_equal(in(DATA), 0);
    assert_int_equal(in(IER), 0);
    assert_int_equal(in(IIR), 0x01);
    assert_int_equal(in(LCR), 0);
    assert_int_equal(in(MCR), 0);
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(MSR), 0xb0);
    assert_int_equal(in(SCR), 0);
}

static void test_output(void **state)
{
    (void)state;
    out(DATA, 'h');
    out(DATA, 'i');
    out(DATA, 0xff);
    assert_int_equal(in(LSR), 0x60);
    sent("hi\xff");
}

static void test_input(void **state)
{
    (void)state;
    assert_true(rx_put(&rx, 'a'));
    assert_true(rx_put(&rx, 'b'));
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(DATA), 'a');
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(DATA), 'b');
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(DATA), 0);
}

/* A full ring looks like a slow line; who writes all the same is counted. */
static void test_full_ring(void **state)
{
    (void)state;
    fill();
    out(IER, 0x02);
    assert_int_equal(uart.lost, 0);
    assert_int_equal(in(LSR), 0x00);
    assert_int_equal(in(IIR), 0x01);
    out(DATA, 'y');
    out(DATA, 'y');
    assert_int_equal(uart.lost, 2);
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(in(LSR), 0x01);

    /* Drivers fill a FIFO of 16 without looking again, so it is all or nothing. */
    uint8_t record[TX_RECORD_MAX];
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(in(LSR), 0x01);
        assert_int_equal(tx_get(&tx, record), TX_RECORD_MAX);
    }
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(IIR), 0x02);
    for (uint32_t i = 0; i < 16 * TX_RECORD_MAX; i++)
        out(DATA, 'z');
    assert_int_equal(uart.lost, 2);
    assert_int_equal(in(LSR), 0x01);
}

static void test_divisor_latch(void **state)
{
    (void)state;
    out(IER, 0x05);
    out(LCR, 0x83);
    out(DATA, 0x01);
    out(IER, 0xc2);
    assert_int_equal(in(DATA), 0x01);
    assert_int_equal(in(IER), 0xc2);
    out(DATA, 0); /* a divisor of 0 is just a number */
    assert_int_equal(in(DATA), 0);
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(in(LSR), 0x61); /* the latch hides registers, not the state */
    out(LCR, 0x03);
    assert_int_equal(in(IER), 0x05);
    assert_int_equal(in(DATA), 'a');
    sent("");
}

static void test_stored_registers(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        out(SCR, (uint8_t)value);
        assert_int_equal(in(SCR), value);
        out(LCR, (uint8_t)value);
        assert_int_equal(in(LCR), value);
        out(LCR, 0);
        out(IER, (uint8_t)value);
        assert_int_equal(in(IER), value & 0x0f);
        out(MCR, (uint8_t)value);
        assert_int_equal(in(MCR), value & 0x1f);
        out(LSR, (uint8_t)value);
        out(MSR, (uint8_t)value);
    }
    out(MCR, 0);
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(MSR), 0xb0);
    sent("");
}

static void test_interrupt_identification(void **state)
{
    (void)state;
    out(FCR, 0x01);
    assert_int_equal(in(IIR), 0xc1);
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(in(IIR), 0xc1); /* not enabled */
    out(IER, 0x03);
    assert_int_equal(in(IIR), 0xc4); /* data before empty */
    assert_int_equal(in(IIR), 0xc4); /* reading takes nothing away */
    assert_int_equal(in(DATA), 'a');
    assert_int_equal(in(IIR), 0xc2);
    assert_int_equal(in(IIR), 0xc2);
    out(IER, 0x0c); /* line and modem status never change */
    assert_int_equal(in(IIR), 0xc1);
    out(FCR, 0x00);
    assert_int_equal(in(IIR), 0x01);
}

static void test_fifo_clear_keeps_type_ahead(void **state)
{
    (void)state;
    assert_true(rx_put(&rx, 'a'));
    out(DATA, 'b');
    out(FCR, 0x07);
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(DATA), 'a');
    sent("b");
}

/* Linux, drivers/tty/serial/8250/8250_port.c, autoconfig() in short. */
static void test_detected_as_16550a(void **state)
{
    (void)state;
    out(IER, 0);
    assert_int_equal(in(IER)&0x0f, 0);
    out(IER, 0x0f);
    assert_int_equal(in(IER)&0x0f, 0x0f);
    out(IER, 0);
    out(MCR, 0x10 | 0x0a);
    assert_int_equal(in(MSR)&0xf0, 0x90);
    out(MCR, 0);
    out(LCR, 0xbf);
    out(FCR, 0);
    out(LCR, 0);
    out(FCR, 0x01);
    assert_int_equal(in(IIR) >> 6, 3);
    sent("");
}

static void test_loopback_modem_lines(void **state)
{
    (void)state;
    for (uint8_t mcr = 0; mcr < 16; mcr++) {
        out(MCR, 0x10 | mcr);
        uint8_t expected =
            (uint8_t)((mcr & 2) << 3 | (mcr & 1) << 5 | (mcr & 4) << 4 | (mcr & 8) << 4);
        assert_int_equal(in(MSR), expected);
    }
}

/* The self-test of many small kernels: a byte goes round and never on the line. */
static void test_loopback_data(void **state)
{
    (void)state;
    fill();
    out(MCR, 0x1e);
    assert_int_equal(in(LSR), 0x60); /* the line's state does not matter now */
    out(DATA, 0xae);
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(DATA), 0xae);
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(DATA), 0);
    assert_int_equal(uart.lost, 0);
    out(DATA, 0xff);
    assert_int_equal(in(DATA), 0xff);

    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(in(LSR), 0x60);
    out(MCR, 0x0f);
    assert_int_equal(in(LSR), 0x01);
    assert_int_equal(in(DATA), 'a');
}

static void test_random(void **state)
{
    (void)state;
    uint64_t seed = 5;
    uint8_t record[TX_RECORD_MAX];
    for (uint32_t i = 0; i < 200000; i++) {
        uint64_t r = random_next(&seed);
        uint32_t reg = (uint32_t)(r >> 32); /* of any size: only eight registers exist */
        if ((r & 1) != 0)
            out(reg, (uint8_t)(r >> 8));
        else
            (void)in(reg);
        if ((r & 6) == 6)
            (void)tx_get(&tx, record);
        if ((r & 24) == 24)
            (void)!rx_put(&rx, (uint8_t)(r >> 16));
        assert_int_equal(in(LSR) & ~0x61, 0);
    }
}

/* ------------------------------------------------------------------ the line */

static void take_all(void)
{
    uint8_t record[TX_RECORD_MAX];
    while (tx_get(&tx, record) != 0)
        ;
}

static void test_line_of_received_data(void **state)
{
    (void)state;
    assert_false(vuart_may_interrupt(&uart));
    assert_true(rx_put(&rx, 'a'));
    assert_false(vuart_look(&uart)); /* nobody has asked */
    out(IER, 0x01);
    assert_true(vuart_may_interrupt(&uart));
    assert_true(vuart_look(&uart));
    assert_false(vuart_look(&uart)); /* told once */
    assert_true(rx_put(&rx, 'b'));
    assert_false(vuart_look(&uart)); /* it is high already */
    assert_int_equal(in(IIR), 0x04);
    assert_int_equal(in(DATA), 'a');
    assert_int_equal(in(DATA), 'b');
    assert_int_equal(in(IIR), 0x01);
    assert_false(vuart_look(&uart));
    assert_true(rx_put(&rx, 'c'));
    assert_true(vuart_look(&uart)); /* another edge */
}

/* The handler has been told "none" and leaves; a byte that came just before is another edge. */
static void test_break(void **state)
{
    (void)state;
    out(IER, 0x01);
    assert_true(rx_put(&rx, 'a'));
    assert_int_equal(in(DATA), 'a');
    assert_false(vuart_look(&uart));
    vuart_break(&uart);
    assert_true(vuart_tick(&uart));
    assert_true(rx_put(&rx, 'b'));
    assert_int_equal(in(IIR), 0x04);
    assert_int_equal(in(LSR), 0x71);
    out(MCR, 0x10);
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(DATA), 0);
    out(MCR, 0);
    assert_int_equal(in(LSR), 0x71);
    assert_int_equal(in(DATA), 0); /* the break itself */
    assert_int_equal(in(LSR), 0x61);
    assert_int_equal(in(DATA), 'b');
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(in(IIR), 0x01);
}

static void test_line_told_none_counts(void **state)
{
    (void)state;
    out(IER, 0x01);
    assert_true(rx_put(&rx, 'a'));
    assert_true(vuart_look(&uart));
    assert_int_equal(in(DATA), 'a');
    assert_int_equal(in(IIR), 0x01);
    assert_true(rx_put(&rx, 'b'));
    assert_true(vuart_look(&uart));
}

/* A writer of single bytes: not an interrupt for each. */
static void test_line_of_transmitter(void **state)
{
    (void)state;
    out(IER, 0x02);
    assert_true(vuart_look(&uart)); /* the test of a driver: THRI on, an interrupt comes */
    assert_int_equal(in(IIR), 0x02);
    out(DATA, 'a');
    out(IER, 0x00);
    assert_false(vuart_look(&uart));
    out(IER, 0x02);
    assert_false(vuart_look(&uart)); /* text waits: when it has been taken */
    take_all();
    assert_true(vuart_look(&uart));
    out(DATA, 'b');
    assert_false(vuart_look(&uart)); /* stays high while there is room */
    assert_int_equal(in(IIR), 0x02);
    out(IER, 0x00);
    assert_false(vuart_look(&uart));
    out(IER, 0x02);
    assert_false(vuart_look(&uart));
    assert_true(vuart_tick(&uart)); /* or with the next tick */
}

/* One run of the handler sends so much and no more: it has to leave, and comes back. */
static void test_line_run(void **state)
{
    (void)state;
    out(IER, 0x02);
    assert_true(vuart_look(&uart));
    for (uint32_t i = 0; i < 2048; i++) {
        assert_int_equal(in(IIR), 0x02);
        out(DATA, 'x');
    }
    assert_int_equal(in(LSR), 0x00);
    assert_int_equal(in(IIR), 0x01);
    assert_int_equal(in(LSR), 0x60); /* another run */
    assert_false(vuart_look(&uart));
    assert_true(vuart_tick(&uart));

    /* Who polls is not held up: a driver that sends with its interrupts off. */
    out(IER, 0x00);
    for (uint32_t i = 0; i < 3 * 2048; i++)
        out(DATA, 'x');
    assert_int_equal(in(LSR), 0x60);
    assert_int_equal(uart.lost, 0);
}

/* Nobody answers: a driver that has left its handler with the line high, or a message gone astray.
 */
static void test_line_is_told_again(void **state)
{
    (void)state;
    assert_true(rx_put(&rx, 'a'));
    out(IER, 0x01);
    assert_true(vuart_look(&uart));
    assert_false(vuart_tick(&uart));
    assert_true(vuart_tick(&uart));
    assert_false(vuart_tick(&uart));
    assert_int_equal(in(IIR), 0x04); /* somebody is at it */
    assert_false(vuart_tick(&uart));
    assert_false(vuart_tick(&uart));
    assert_true(vuart_tick(&uart)); /* and has gone without looking */
    vuart_forget(&uart);
    assert_true(vuart_look(&uart));
    assert_int_equal(in(DATA), 'a');
    for (uint32_t i = 0; i < 10; i++)
        assert_false(vuart_tick(&uart));
}

static void test_line_in_loopback(void **state)
{
    (void)state;
    out(MCR, 0x10);
    out(IER, 0x03);
    assert_true(vuart_look(&uart)); /* the transmitter is empty */
    out(DATA, 'x');
    assert_int_equal(in(IIR), 0x04);
    assert_int_equal(in(DATA), 'x');
    assert_int_equal(in(IIR), 0x02);
    out(IER, 0x00);
    assert_int_equal(uart.line, 0); /* as no look follows */
    assert_int_equal(in(IIR), 0x01);
    assert_false(vuart_may_interrupt(&uart));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_after_reset, reset),
        cmocka_unit_test_setup(test_output, reset),
        cmocka_unit_test_setup(test_input, reset),
        cmocka_unit_test_setup(test_full_ring, reset),
        cmocka_unit_test_setup(test_divisor_latch, reset),
        cmocka_unit_test_setup(test_stored_registers, reset),
        cmocka_unit_test_setup(test_interrupt_identification, reset),
        cmocka_unit_test_setup(test_fifo_clear_keeps_type_ahead, reset),
        cmocka_unit_test_setup(test_detected_as_16550a, reset),
        cmocka_unit_test_setup(test_loopback_modem_lines, reset),
        cmocka_unit_test_setup(test_loopback_data, reset),
        cmocka_unit_test_setup(test_random, reset),
        cmocka_unit_test_setup(test_line_of_received_data, reset),
        cmocka_unit_test_setup(test_break, reset),
        cmocka_unit_test_setup(test_line_told_none_counts, reset),
        cmocka_unit_test_setup(test_line_of_transmitter, reset),
        cmocka_unit_test_setup(test_line_run, reset),
        cmocka_unit_test_setup(test_line_is_told_again, reset),
        cmocka_unit_test_setup(test_line_in_loopback, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
