/* SPDX-License-Identifier: MIT */
/*
 * test_keyboard: how often the controller's ports are read, each of which may be an SMI, and that
 * no key is lost by looking seldom. The controller is a fake that holds one byte and inhibits the
 * keyboard, which holds the next 16; the real one may take longer, and answer with SMIs.
 */
#include "drivers/keyboard.h"

#include "recorder.h"

#include "drivers/keyboard.c"

#define HZ 1000000
#define MS (HZ / 1000)

#define BUFFER 17 /* the keyboard's, and the controller's own */

static struct fake {
    uint8_t codes[BUFFER];
    uint32_t count, lost, reads;
} fake;

static struct keyboard keyboard;

static uint8_t fake_in(uint16_t port)
{
    uint8_t code;

    fake.reads++;
    if (port == PORT_STATUS)
        return fake.count ? STATUS_OUTPUT : 0;
    assert_int_equal(port, PORT_DATA);
    if (fake.count == 0)
        return 0;
    code = fake.codes[0];
    fake.count--;
    for (uint32_t i = 0; i < fake.count; i++)
        fake.codes[i] = fake.codes[i + 1];
    return code;
}

static void fake_type(uint8_t code)
{
    if (fake.count < BUFFER)
        fake.codes[fake.count++] = code;
    else
        fake.lost++;
}

static void fake_write(const struct recorder_write *write)
{
    if (write->where == WRITE_PORT && write->index == PORT_COMMAND &&
        write->value == CONTROLLER_READ_CONFIG)
        fake_type(0); /* the configuration */
    if (write->where == WRITE_PORT && write->index == PORT_DATA && write->value == KEYBOARD_SCAN)
        fake_type(KEYBOARD_ACK);
}

static int setup(void **state)
{
    (void)state;
    recorder_clear();
    recorder.on_in = fake_in;
    recorder.on_write = fake_write;
    fake = (struct fake){0};
    assert_true(keyboard_init(&keyboard));
    keyboard_set_tick_rate(&keyboard, HZ);
    fake.reads = 0;
    return 0;
}

/* As the monitor does: 1000 times a second. Returns how many bytes came. */
static uint32_t look_for(uint64_t from, uint32_t ms)
{
    uint32_t got = 0;
    uint8_t byte;

    for (uint32_t i = 0; i < ms; i++)
        while (keyboard_get(&keyboard, from + (uint64_t)i * MS, &byte))
            got++;
    return got;
}

#define LATER (UINT64_C(100) * HZ) /* nobody has typed for long */

static void while_nobody_types_it_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(look_for(LATER, 1000), 0);
    assert_in_range(fake.reads, 20, 50);
}

static void a_key_is_seen_within_25_ms(void **state)
{
    uint8_t byte;

    (void)state;
    assert_false(keyboard_get(&keyboard, LATER, &byte));
    fake_type(0x1e); /* a */
    assert_false(keyboard_get(&keyboard, LATER + 24 * MS, &byte));
    assert_true(keyboard_get(&keyboard, LATER + 25 * MS, &byte));
    assert_int_equal(byte, 'a');
}

static void after_a_key_every_look_counts_for_a_while(void **state)
{
    (void)state;
    fake_type(0x1e);
    assert_int_equal(look_for(LATER, 1), 1);
    for (uint32_t ms = 1; ms < 2900; ms += 100) {
        fake_type(0x9e); /* released */
        fake_type(0x30); /* b */
        assert_int_equal(look_for(LATER + (uint64_t)ms * MS, 1), 1);
    }
    fake.reads = 0;
    assert_int_equal(look_for(LATER + 10 * HZ, 1000), 0);
    assert_in_range(fake.reads, 20, 50);
}

/* 300 keys a second, each pressed and released: more than anybody types, or pastes. */
static void a_burst_loses_no_key(void **state)
{
    uint32_t got = 0;

    (void)state;
    assert_int_equal(look_for(LATER, 3), 0);
    for (uint32_t ms = 0; ms < 1000; ms++) {
        if (ms % 10 < 6)
            fake_type(ms % 2 == 0 ? 0x1e : 0x9e);
        got += look_for(LATER + (uint64_t)(3 + ms) * MS, 1);
    }
    assert_int_equal(fake.lost, 0);
    assert_int_equal(got, 300);
}

/* One code can make several bytes: those that are left need no look, and no time. */
static void what_was_read_is_given_at_once(void **state)
{
    uint8_t byte;
    uint32_t count = 0;

    (void)state;
    fake_type(0xe0);
    fake_type(0x48); /* the arrow up, three bytes */
    assert_true(keyboard_get(&keyboard, LATER, &byte));
    keyboard.typed = keyboard.looked = LATER;
    fake.reads = 0;
    for (count = 1; keyboard.next < keyboard.count; count++)
        assert_true(keyboard_get(&keyboard, LATER, &byte));
    assert_int_equal(count, 3);
    assert_int_equal(fake.reads, 0);
}

/* A port where nobody is. */
static void an_absent_controller_is_never_looked_at(void **state)
{
    uint8_t byte;

    (void)state;
    keyboard.present = false;
    assert_false(keyboard_get(&keyboard, LATER, &byte));
    assert_int_equal(fake.reads, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(while_nobody_types_it_is_left_alone, setup),
        cmocka_unit_test_setup(a_key_is_seen_within_25_ms, setup),
        cmocka_unit_test_setup(after_a_key_every_look_counts_for_a_while, setup),
        cmocka_unit_test_setup(a_burst_loses_no_key, setup),
        cmocka_unit_test_setup(what_was_read_is_given_at_once, setup),
        cmocka_unit_test_setup(an_absent_controller_is_never_looked_at, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
