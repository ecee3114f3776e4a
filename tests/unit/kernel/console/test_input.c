/* SPDX-License-Identifier: MIT */
/*
 * test_input: a typed byte reaches the one who had the keyboard when it came, in the life that had
 * it, or nobody.
 */
#include "kernel/console/input.h"

#include "support.h"

#define KEY  "\x14"
#define FULL (2 * RX_RING_BYTES) /* what a guest that does not read can be owed */

static struct input input;
static struct rx_ring rings[3];
static uint64_t now;

static int setup(void **state)
{
    (void)state;
    memset(&input, 0, sizeof(input));
    input_init(&input);
    for (uint32_t i = 0; i < ARRAY_SIZE(rings); i++) {
        rx_init(&rings[i]);
        assert_int_equal(input_add(&input, &rings[i]), i);
    }
    input_begin_life(&input, 0);
    input_begin_life(&input, 1);
    return 0;
}

static void type(const char *text)
{
    for (; *text; text++)
        input_byte(&input, (uint8_t)*text, now);
    input_deliver(&input);
}

static void type_many(uint32_t count)
{
    while (count-- > 0)
        type("x");
}

static uint32_t left(struct rx_ring *ring)
{
    uint32_t count = 0;
    uint8_t byte;

    while (rx_get(ring, &byte))
        count++;
    return count;
}

static void expect(struct rx_ring *ring, const char *want)
{
    uint8_t byte;

    for (; *want; want++) {
        assert_true(rx_get(ring, &byte));
        assert_int_equal(byte, *want);
    }
    assert_false(rx_get(ring, &byte));
}

static void expect_news(enum input_news want, uint32_t want_who, uint32_t want_dropped)
{
    uint32_t who = 99, dropped = 99;

    assert_int_equal(input_take_news(&input, &who, &dropped), want);
    if (want != INPUT_NO_NEWS) {
        assert_int_equal(who, want_who);
        assert_int_equal(dropped, want_dropped);
        assert_int_equal(input_take_news(&input, &who, &dropped), INPUT_NO_NEWS);
    }
}

static void each_gets_what_was_typed_for_it(void **state)
{
    (void)state;
    type("one" KEY "two\r" KEY "three" KEY);
    expect(&rings[0], "onethree");
    expect(&input.monitor, "two\r");
    input_focus(&input, 1);
    type("four" KEY "five" KEY "six");
    expect(&rings[0], "");
    expect(&rings[1], "foursix");
    expect(&input.monitor, "five");
    expect_news(INPUT_NO_NEWS, 0, 0);
}

/* The attack: text for a guest that does not read, with a command in it, then the key. */
static void what_a_guest_leaves_is_no_command(void **state)
{
    (void)state;
    type_many(300);
    type("\rstop canary\r");
    type_many(260);
    type(KEY);
    assert_int_equal(atomic_load(&input.focus), INPUT_MONITOR);
    expect(&input.monitor, "");
    expect_news(INPUT_UNREAD, 0, 300 + 13 + 260 - RX_RING_BYTES);
    type("list\r");
    expect(&input.monitor, "list\r");
    assert_int_equal(left(&rings[0]),
                     RX_RING_BYTES); /* these are its own for as long as it lives */
    type(KEY "y");
    expect(&rings[0], "y");
    expect_news(INPUT_NO_NEWS, 0, 0);
}

static void key_works_however_much_waits(void **state)
{
    (void)state;
    type_many(10 * FULL);
    type(KEY);
    assert_int_equal(atomic_load(&input.focus), INPUT_MONITOR);
    expect_news(INPUT_UNREAD, 0, 10 * FULL - RX_RING_BYTES);
}

static void slow_reader_gets_all_that_waits(void **state)
{
    (void)state;
    type_many(FULL);
    assert_int_equal(left(&rings[0]), RX_RING_BYTES);
    input_deliver(&input);
    assert_int_equal(left(&rings[0]), RX_RING_BYTES);
    type(KEY);
    expect_news(INPUT_NO_NEWS, 0, 0);
}

static void nothing_is_kept_for_the_dead(void **state)
{
    (void)state;
    type_many(RX_RING_BYTES + 7);
    input_end_life(&input, 0);
    expect_news(INPUT_UNREAD, 0, 7);
    type("gone");
    expect_news(INPUT_NO_LIFE, 0, 0);
    type("gone too");
    expect_news(INPUT_NO_NEWS, 0, 0);
    type(KEY KEY "again");
    expect_news(INPUT_NO_LIFE, 0, 0);
    input_begin_life(&input, 0);
    expect(&rings[0], "");
    type("new");
    expect(&rings[0], "new");
    expect_news(INPUT_NO_NEWS, 0, 0);
}

/* While the machine starts somebody may type already: that is for the first life. */
static void first_life_gets_what_was_typed_before(void **state)
{
    (void)state;
    memset(&input, 0, sizeof(input));
    input_init(&input);
    type("early");
    (void)input_add(&input, &rings[0]);
    type(" bird");
    input_begin_life(&input, 0);
    input_deliver(&input);
    expect(&rings[0], "early bird");
    expect_news(INPUT_NO_NEWS, 0, 0);
}

/* `focus GUEST` with more typed behind it: nobody knows for whom that was. */
static void command_drops_what_the_monitor_has_not_read(void **state)
{
    (void)state;
    type(KEY "poweroff\r");
    input_focus(&input, 1);
    expect(&input.monitor, "");
    expect(&rings[1], "");
    expect_news(INPUT_UNREAD, INPUT_MONITOR, 9);
}

/* ------------------------------------------------------------------ raw views */

#define QUIET 500

static void pass(uint64_t ticks, bool on_its_way)
{
    now += ticks;
    input_end_hush(&input, on_its_way, QUIET, now);
}

static void attach_second(void)
{
    type(KEY);
    input_attach(&input, 1);
    assert_int_equal(atomic_load(&input.focus), 1);
    assert_true(input.attached);
}

/* What a terminal answers a guest that had it is no command, however much it is. */
static void nothing_counts_until_a_pause(void **state)
{
    (void)state;
    attach_second();
    type("for it" KEY "\x1b[0n\rpoweroff\r" KEY "x" KEY "y");
    assert_int_equal(atomic_load(&input.focus), INPUT_MONITOR);
    assert_false(input.attached);
    expect(&rings[1], "for it");
    for (uint32_t i = 0; i < 10; i++) { /* of a line that is slow */
        pass(QUIET - 1, false);
        type("poweroff\r");
    }
    pass(QUIET - 1, false);
    assert_true(input.hushed);
    pass(1, false);
    type("list");
    expect(&input.monitor, "list");
    expect_news(INPUT_HUSHED, INPUT_MONITOR, 4 + 1 + 9 + 4 + 10 * 9);
    type(KEY "back");
    expect(&rings[1], "back");
}

/* Its questions may still be on their way. */
static void the_pause_begins_when_all_is_sent(void **state)
{
    (void)state;
    attach_second();
    type(KEY);
    for (uint32_t i = 0; i < 10; i++)
        pass(QUIET, true);
    assert_true(input.hushed);
    pass(QUIET - 1, false);
    assert_true(input.hushed);
    pass(1, false);
    assert_false(input.hushed);
    expect_news(INPUT_NO_NEWS, 0, 0);
}

/* By its death, when nobody pressed a key. */
static void the_end_of_a_view_leaves_the_keyboard(void **state)
{
    (void)state;
    attach_second();
    input_detach(&input);
    assert_false(input.hushed);
    type("x");
    expect(&rings[1], "x");
    type(KEY "list");
    expect(&input.monitor, "list");
}

/* A guest told the terminal to report keys in another way. */
static void the_key_counts_in_every_form(void **state)
{
    (void)state;
    attach_second();
    type("\x1b[27;5;116~");
    assert_int_equal(atomic_load(&input.focus), INPUT_MONITOR);
    assert_true(input.hushed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_gets_what_was_typed_for_it, setup),
        cmocka_unit_test_setup(what_a_guest_leaves_is_no_command, setup),
        cmocka_unit_test_setup(key_works_however_much_waits, setup),
        cmocka_unit_test_setup(slow_reader_gets_all_that_waits, setup),
        cmocka_unit_test_setup(nothing_is_kept_for_the_dead, setup),
        cmocka_unit_test_setup(first_life_gets_what_was_typed_before, setup),
        cmocka_unit_test_setup(command_drops_what_the_monitor_has_not_read, setup),
        cmocka_unit_test_setup(nothing_counts_until_a_pause, setup),
        cmocka_unit_test_setup(the_pause_begins_when_all_is_sent, setup),
        cmocka_unit_test_setup(the_end_of_a_view_leaves_the_keyboard, setup),
        cmocka_unit_test_setup(the_key_counts_in_every_form, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
