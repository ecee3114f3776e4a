/* SPDX-License-Identifier: MIT */
/*
 * test_vpit: the ways in which kernels calibrate with a PC's timer, the modes, and what a guest can
 * write to it.
 */
#include "vdev/vpit.h"

#include "support.h"

static struct vpit pit;
static struct time_scale scale;
static struct vrtc_clock at;
static uint64_t now; /* ns */

static int setup(void **state)
{
    (void)state;
    scale = time_scale_make(NS_PER_SECOND);
    at = (struct vrtc_clock){.scale = &scale, .start = 5000};
    now = at.start;
    vpit_reset(&pit, &at);
    return 0;
}

static uint8_t in(uint16_t port)
{
    return vpit_in(&pit, port, now);
}

static void out(uint16_t port, uint8_t value)
{
    vpit_out(&pit, port, value, now);
}

/* To the first moment at which the timer has counted `ticks` since the start. */
static void go(uint64_t ticks)
{
    now = at.start + (ticks * NS_PER_SECOND + VPIT_HZ - 1) / VPIT_HZ;
}

static uint32_t read_both(uint16_t port)
{
    const uint32_t low = in(port);

    return low | (uint32_t)in(port) << 8;
}

static void load(uint16_t port, uint8_t word, uint32_t count)
{
    out(VPIT_CONTROL, word);
    out(port, (uint8_t)count);
    out(port, (uint8_t)(count >> 8));
}

/* A PVH kernel or a Linux: no timer, and the one port by which Linux sees that. */
static void test_without(void **state)
{
    (void)state;
    vpit_reset(&pit, NULL);
    for (uint32_t port = 0; port < 0x10000; port++)
        assert_int_equal(vpit_claims(&pit, (uint16_t)port), port == 0x42);
    out(0x42, 0xff);
    assert_int_equal(in(0x42), 0);
    vpit_reset(&pit, &at);
    for (uint32_t port = 0; port < 0x10000; port++)
        assert_int_equal(vpit_claims(&pit, (uint16_t)port),
                         (port >= 0x40 && port <= 0x43) || port == 0x61);
}

/* Linux's pit_calibrate_tsc() and memtest86+: gate on, speaker off, mode 0, wait for the output. */
static void test_calibrate_by_output(void **state)
{
    (void)state;
    out(0x61, (uint8_t)((in(0x61) & ~0x02) | 0x01));
    load(0x42, 0xb0, 59659); /* 50 ms */
    assert_int_equal(in(0x61) & 0x23, 0x01);
    go(59658);
    assert_int_equal(in(0x61) & 0x20, 0);
    go(59659);
    assert_int_equal(in(0x61) & 0x20, 0x20);
    assert_in_range(now - at.start, 49999000, 50001000);
    go(100 * UINT64_C(59659));
    assert_int_equal(in(0x61) & 0x20, 0x20); /* it stays */
}

/* Linux's quick_pit_calibrate(): the high byte of a count from 0xffff down. */
static void test_calibrate_by_count(void **state)
{
    (void)state;
    out(0x61, 0x01);
    load(0x42, 0xb0, 0xffff);
    assert_int_equal(read_both(0x42), 0xffff);
    for (uint32_t ticks = 0; ticks < 0x10000; ticks += 255) {
        go(ticks);
        assert_int_equal(read_both(0x42), 0xffff - ticks);
    }
    go(0x10001);
    assert_int_equal(read_both(0x42), 0xfffe); /* it goes on after its end */
}

/* Kernels that set the gate last; a gate that goes off holds the count. */
static void test_gate(void **state)
{
    (void)state;
    load(0x42, 0xb0, 1000);
    go(500);
    assert_int_equal(read_both(0x42), 1000);
    assert_int_equal(in(0x61) & 0x20, 0);
    out(0x61, 0x01);
    go(900);
    assert_int_equal(read_both(0x42), 600);
    out(0x61, 0x00);
    go(2000);
    assert_int_equal(read_both(0x42), 600);
    out(0x61, 0x01);
    go(2599);
    assert_int_equal(in(0x61) & 0x20, 0);
    go(2600);
    assert_int_equal(in(0x61) & 0x20, 0x20);
}

/* Channel 0 has no gate; a latched count stays until it is read. */
static void test_latch(void **state)
{
    (void)state;
    load(0x40, 0x34, 1000); /* mode 2 */
    go(250);
    out(VPIT_CONTROL, 0x00);
    go(300);
    out(VPIT_CONTROL, 0x00); /* has no effect before that */
    assert_int_equal(read_both(0x40), 750);
    assert_int_equal(read_both(0x40), 700);
    go(1000 + 1);
    assert_int_equal(read_both(0x40), 999);
    assert_int_equal(in(VPIT_CONTROL), 0xff);
}

static void test_read_back(void **state)
{
    (void)state;
    load(0x42, 0xb6, 1000);  /* mode 3, both bytes, gate off */
    out(VPIT_CONTROL, 0xe8); /* status of channel 2 */
    assert_int_equal(in(0x42), 0xb6);
    assert_int_equal(read_both(0x42), 1000);
    out(VPIT_CONTROL, 0xb0);
    out(VPIT_CONTROL, 0xc8);          /* status, then count */
    assert_int_equal(in(0x42), 0x70); /* output low, no count yet */
    assert_int_equal(read_both(0x42), 0);
    assert_int_equal(in(0x40) | in(0x40), 0); /* not among the chosen */
}

static void test_square(void **state)
{
    uint32_t highs = 0;

    (void)state;
    out(0x61, 0x03);
    load(0x42, 0xb6, 1000);
    for (uint32_t ticks = 0; ticks < 5000; ticks++) {
        go(ticks);
        highs += in(0x61) >> 5 & 1;
        assert_int_equal(in(0x61) >> 5 & 1, ticks % 1000 < 500);
        assert_int_equal(read_both(0x42), ticks * 2 % 1000 == 0 ? 1000 : 1000 - ticks * 2 % 1000);
    }
    assert_int_equal(highs, 2500);
}

static void test_rate_and_shots(void **state)
{
    (void)state;
    out(0x61, 0x01);
    load(0x42, 0xb4, 10); /* mode 2: low for one tick of each round */
    for (uint32_t ticks = 0; ticks < 50; ticks++) {
        go(ticks);
        assert_int_equal(in(0x61) >> 5 & 1, ticks % 10 != 9);
    }
    load(0x42, 0xb2, 10); /* mode 1: waits for the gate */
    go(1000);
    assert_int_equal(in(0x61) & 0x20, 0x20);
    out(0x61, 0x00);
    out(0x61, 0x01);
    assert_int_equal(in(0x61) & 0x20, 0);
    go(1009);
    assert_int_equal(in(0x61) & 0x20, 0);
    go(1010);
    assert_int_equal(in(0x61) & 0x20, 0x20);
    load(0x42, 0xb8, 10); /* mode 4 */
    go(1020);
    assert_int_equal(in(0x61) & 0x20, 0);
    go(1021);
    assert_int_equal(in(0x61) & 0x20, 0x20);
}

static void test_single_bytes(void **state)
{
    (void)state;
    out(VPIT_CONTROL, 0x90); /* channel 2, low byte */
    out(0x42, 200);
    assert_int_equal(in(0x42), 200);
    assert_int_equal(in(0x42), 200);
    out(VPIT_CONTROL, 0xa0); /* high byte */
    out(0x42, 2);
    assert_int_equal(in(0x42), 2);
    out(VPIT_CONTROL, 0xa0);
    out(0x42, 0); /* 0x10000 */
    out(0x61, 0x01);
    go(0x100);
    assert_int_equal(in(0x42), 0xff);
}

/* What old code waits for 15 us with. */
static void test_refresh(void **state)
{
    uint32_t changes = 0;
    uint8_t before = in(0x61) & 0x10;

    (void)state;
    for (uint32_t us = 0; us < 1000; us++) {
        now += NS_PER_US;
        changes += (in(0x61) & 0x10) != before;
        before = in(0x61) & 0x10;
    }
    assert_in_range(changes, 65, 68);
}

/* Any bytes at any time: no end but an answer, and the bits that nobody has stay 0.
 * abuse: IO-22 */
static void test_anything(void **state)
{
    static const uint16_t ports[] = {0x40, 0x41, 0x42, 0x43, 0x61};
    uint64_t seed = 20;

    (void)state;
    for (uint32_t i = 0; i < 1000000; i++) {
        const uint64_t r = random_next(&seed);
        const uint16_t port = ports[r % ARRAY_SIZE(ports)];
        now = (r & 0x100) != 0 ? random_next(&seed) : now + (r >> 32);
        if ((r & 0x200) != 0)
            out(port, (uint8_t)(r >> 16));
        else if (port == 0x61)
            assert_int_equal(in(port)&0xc0, 0);
        else
            (void)in(port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_without, setup),
        cmocka_unit_test_setup(test_calibrate_by_output, setup),
        cmocka_unit_test_setup(test_calibrate_by_count, setup),
        cmocka_unit_test_setup(test_gate, setup),
        cmocka_unit_test_setup(test_latch, setup),
        cmocka_unit_test_setup(test_read_back, setup),
        cmocka_unit_test_setup(test_square, setup),
        cmocka_unit_test_setup(test_rate_and_shots, setup),
        cmocka_unit_test_setup(test_single_bytes, setup),
        cmocka_unit_test_setup(test_refresh, setup),
        cmocka_unit_test_setup(test_anything, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
