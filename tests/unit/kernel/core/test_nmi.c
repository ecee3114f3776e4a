/* SPDX-License-Identifier: MIT */
/*
 * test_nmi: what is said of NMIs that are no kick, how often, and what is written to the chipset
 * for it: a fake of port 61h, whose reasons stay until they are turned off.
 */
#include "kernel/core/nmi.h"

#include "recorder.h"

#include "kernel/core/nmi.c"

#define HZ    1000
#define SERR  0x80
#define IOCHK 0x40

static struct cpu core;
static struct nmi_watch watch;
static uint64_t now;
static uint8_t port, asserted; /* port 61h; the lines behind its status bits */
static bool is_open;

void lapic_open_nmi(bool open)
{
    is_open = open;
}

static uint8_t read_port(uint16_t number)
{
    assert_int_equal(number, 0x61);
    return port;
}

static void write_port(const struct recorder_write *write)
{
    assert_int_equal(write->where, WRITE_PORT);
    assert_int_equal(write->index, 0x61);
    assert_int_equal(write->value & 0xf0, 0);     /* read-only, and 0 as the data sheet wants */
    assert_int_equal(write->value & 3, port & 3); /* the speaker's */
    port = (uint8_t)((port & 0xf0) | write->value);
    if (port & 0x04)
        port &= (uint8_t)~SERR;
    if (port & 0x08)
        port &= (uint8_t)~IOCHK;
    port |= (uint8_t)((port & 0x04 ? 0 : asserted & SERR) | (port & 0x08 ? 0 : asserted & IOCHK));
}

static int setup(void **state)
{
    (void)state;
    recorder_clear();
    recorder.on_in = read_port;
    recorder.on_write = write_port;
    core = (struct cpu){0};
    watch = (struct nmi_watch){0};
    now = 0;
    port = 0x21; /* the timer's gate, and its output */
    asserted = 0;
    is_open = false;
    lines_clear();
    return 0;
}

static void look(void)
{
    now += HZ;
    nmi_look(&watch, &core, HZ, now);
}

static void nothing_is_said_of_nothing(void **state)
{
    (void)state;
    look();
    assert_true(is_open);
    is_open = false; /* the guest's reset of its APIC */
    look();
    assert_true(is_open);
    assert_int_equal(lines_count(), 0);
    assert_int_equal(recorder.write_count, 0);
}

static void a_reason_is_said_cleared_and_armed_again(void **state)
{
    static const struct {
        uint8_t status, off;
        const char *words;
    } rows[] = {{SERR, 0x04, "NMI: the chipset reports a system error (SERR#)"},
                {IOCHK, 0x08, "NMI: the chipset reports an I/O check error (IOCHK#)"}};

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        setup(state);
        port |= rows[i].status;
        atomic_fetch_add(&core.nmis, 1);
        look();
        assert_int_equal(lines_count(), 1); /* and not of an NMI without a reason */
        assert_true(lines_contain(rows[i].words));
        assert_int_equal(port, 0x21 | rows[i].off);
        look();
        assert_int_equal(port, 0x21);
        look();
        assert_int_equal(recorder.write_count, 2);
        assert_int_equal(lines_count(), 1);
    }
}

/* A line that stays asserted: a look in two finds it, a line a minute says so. */
static void a_reason_that_stays_is_no_flood(void **state)
{
    (void)state;
    asserted = SERR | IOCHK;
    port |= asserted;
    for (uint32_t second = 0; second < 120; second++)
        look();
    assert_in_range(lines_count(), 4, 6);
    assert_true(lines_contain("seen 1 time"));
    assert_true(lines_contain("seen 31 times"));
    assert_true(recorder.write_count <= 120);
}

/* What firmware has turned off is not ours to turn on. */
static void a_source_that_was_off_stays_off(void **state)
{
    (void)state;
    port |= 0x0c;
    look();
    look();
    assert_int_equal(recorder.write_count, 0);
}

static void a_port_without_a_device(void **state)
{
    (void)state;
    port = 0xff;
    look();
    assert_int_equal(lines_count(), 0);
    assert_int_equal(recorder.write_count, 0);
}

static void an_nmi_without_a_reason(void **state)
{
    (void)state;
    look();
    atomic_fetch_add(&core.nmis, 1); /* at work or in a wait */
    look();
    assert_int_equal(lines_count(), 1);
    assert_true(lines_contain("NMI: from outside, and the chipset gives no reason"));
    now += 60 * HZ;
    atomic_fetch_add(&core.lone_nmis, 1); /* in the guest */
    look();
    assert_int_equal(lines_count(), 2);
    assert_true(lines_contain("seen 2 times"));
}

/* A kick's NMI may come late, and two may be one. */
static void kicks_are_not_taken_for_one(void **state)
{
    (void)state;
    look();
    for (uint32_t second = 0; second < 10; second++) {
        atomic_fetch_add(&core.kicks, 1 + second % 2);
        atomic_fetch_add(&core.nmis, 1);
        look();
    }
    atomic_fetch_add(&core.kicks, 1);
    look();
    atomic_fetch_add(&core.nmis, 1);
    look();
    look();
    assert_int_equal(lines_count(), 0);
    atomic_fetch_add(&core.nmis, 1);
    look();
    assert_int_equal(lines_count(), 1);
}

static void a_storm_is_closed_out_for_a_second(void **state)
{
    (void)state;
    look();
    atomic_fetch_add(&core.nmis, 1000);
    look();
    assert_false(is_open);
    look();
    assert_true(is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_said_of_nothing, setup),
        cmocka_unit_test_setup(a_reason_is_said_cleared_and_armed_again, setup),
        cmocka_unit_test_setup(a_reason_that_stays_is_no_flood, setup),
        cmocka_unit_test_setup(a_source_that_was_off_stays_off, setup),
        cmocka_unit_test_setup(a_port_without_a_device, setup),
        cmocka_unit_test_setup(an_nmi_without_a_reason, setup),
        cmocka_unit_test_setup(kicks_are_not_taken_for_one, setup),
        cmocka_unit_test_setup(a_storm_is_closed_out_for_a_second, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
