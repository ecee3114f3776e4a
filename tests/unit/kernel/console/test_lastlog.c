/* SPDX-License-Identifier: MIT */
/*
 * test_lastlog: lines come back after a "reset", the ring forgets the oldest, and memory that holds
 * anything at all does no harm.
 */
#include "kernel/console/lastlog.h"

#include <stdio.h>

#include "support.h"

#define SIZE   8192
#define HEADER (24 + 16 * LASTLOG_PARTS) /* bytes before a half's text */

/* On the heap, so that a step over its end is seen. */
static uint64_t *memory;
static struct lastlog l;

static int setup(void **state)
{
    (void)state;
    memory = calloc(1, SIZE);
    return memory ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void boot(void)
{
    lastlog_init(&l, memory, SIZE);
}

static void say(const char *text)
{
    lastlog_append(&l, LASTLOG_COMMON, text, strlen(text));
}

static bool previous_line(uint32_t back, char *line, size_t size)
{
    struct lastlog_lines lines = lastlog_tail(&l, true, back + 1);
    return lastlog_next(&lines, line, size);
}

static void expect(uint32_t back, const char *want)
{
    char line[256];
    assert_true(previous_line(back, line, sizeof(line)));
    assert_string_equal(line, want);
}

static void expect_end(uint32_t count)
{
    struct lastlog_lines lines = lastlog_tail(&l, true, UINT32_MAX);
    char line[8];
    assert_int_equal(lastlog_count(&l), count);
    for (uint32_t i = 0; i < count; i++)
        assert_true(lastlog_next(&lines, line, sizeof(line)));
    assert_false(lastlog_next(&lines, line, sizeof(line)));
}

static void test_first_boot(void **state)
{
    (void)state;
    boot();
    expect_end(0);
    say("one");
    expect_end(0); /* this boot's own lines are not the previous one's */
}

static void test_lines_survive(void **state)
{
    (void)state;
    boot();
    say("one");
    say("");
    say("three");
    boot();
    expect(0, "three");
    expect(1, "");
    expect(2, "one");
    expect_end(3);
    say("four");
    expect(0, "three");
    boot();
    expect(0, "four");
    expect_end(1);
    boot(); /* said nothing */
    expect_end(0);
}

static void test_many_boots(void **state)
{
    char text[16];

    (void)state;
    boot();
    for (uint32_t i = 0; i < 9; i++) {
        snprintf(text, sizeof(text), "boot %u", i);
        say(text);
        boot();
        expect(0, text);
        expect_end(1);
    }
}

static void test_ring(void **state)
{
    char text[32];

    (void)state;
    boot();
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "line number %u", i);
        say(text);
    }
    boot();
    const uint32_t count = lastlog_count(&l);
    assert_in_range(count, 50, 80);
    for (uint32_t back = 0; back < count; back++) {
        snprintf(text, sizeof(text), "line number %u", 999 - back);
        expect(back, text);
    }
    expect_end(count);
}

/* What this boot said so far, while it goes on: later lines are not among them, and those that are
 * overwritten meanwhile are left out. */
static void test_this_boot(void **state)
{
    char line[32];

    (void)state;
    boot();
    say("one");
    say("two");
    struct lastlog_lines lines = lastlog_tail(&l, false, 5);
    say("three");
    assert_true(lastlog_next(&lines, line, sizeof(line)));
    assert_string_equal(line, "one");
    for (uint32_t i = 0; i < 1000; i++)
        say("and so on");
    assert_false(lastlog_next(&lines, line, sizeof(line)));
    lines = lastlog_tail(&l, false, 1);
    assert_true(lastlog_next(&lines, line, sizeof(line)));
    assert_string_equal(line, "and so on");
    assert_false(lastlog_next(&lines, line, sizeof(line)));
}

/* A line longer than the ring: none is whole. */
static void test_too_long(void **state)
{
    char text[SIZE];

    (void)state;
    boot();
    memset(text, 'x', sizeof(text));
    lastlog_append(&l, LASTLOG_COMMON, text, sizeof(text));
    boot();
    expect_end(0);
}

static void test_cut_and_filtered(void **state)
{
    char line[6];

    (void)state;
    boot();
    say("\033[2J\x9b");
    say("longer than the buffer");
    boot();
    expect(1, "?[2J?");
    assert_true(previous_line(0, line, sizeof(line)));
    assert_string_equal(line, "longe");
}

static void test_too_small(void **state)
{
    (void)state;
    lastlog_init(&l, NULL, 0);
    say("nobody hears this");
    expect_end(0);
    lastlog_init(&l, memory, 100);
    say("nor this");
    expect_end(0);
}

/* Whichever bit of the header is wrong, nothing bad happens; mostly there are no lines then. */
static void test_damage(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < HEADER * 8; bit++) {
        memset(memory, 0, SIZE);
        boot();
        say("one");
        say("two");
        ((uint8_t *)memory)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        boot();
        if (bit / 64 == 2) /* the count of boots is not protected */
            expect(0, "two");
        else
            expect_end(0);
    }
}

static void test_noise(void **state)
{
    uint64_t seed = 1;
    char line[64];

    (void)state;
    for (uint32_t n = 0; n < 2000; n++) {
        boot();
        say("a line");
        /* Noise behind valid headers, with any heads that pass the check. */
        for (size_t i = 0; i < SIZE / 8; i++) {
            if (i % (SIZE / 16) >= HEADER / 8)
                memory[i] = random_next(&seed);
        }
        for (size_t part = 0; part < LASTLOG_PARTS; part++) {
            const uint64_t head = random_next(&seed) >> (n + part) % 64;
            memory[3 + 2 * part] = memory[SIZE / 16 + 3 + 2 * part] = head;
            memory[4 + 2 * part] = memory[SIZE / 16 + 4 + 2 * part] = ~head;
        }
        boot();
        const uint32_t count = lastlog_count(&l);
        struct lastlog_lines lines = lastlog_tail(&l, true, UINT32_MAX);
        for (uint32_t i = 0; i < count; i++) {
            assert_true(lastlog_next(&lines, line, sizeof(line)));
            for (const char *c = line; *c; c++)
                assert_true(*c >= ' ' && *c <= '~');
        }
        expect_end(count);
    }
}

static void crash(uint32_t guest, const char *text)
{
    lastlog_append(&l, lastlog_crash(guest), text, strlen(text));
}

/* Neither other lines nor another guest's crashes replace a crash; nor does a guest that crashes
 * all the time replace anything but its own. */
static void test_crashes_are_kept_apart(void **state)
{
    char line[64], looping[64] = "";

    (void)state;
    boot();
    say("first");
    crash(0, "guest 0 crashed");
    say("second");
    crash(15, "guest 15 crashed");
    for (uint32_t i = 0; i < 2000; i++) {
        snprintf(looping, sizeof(looping), "guest 7 crashed for the %uth time", i);
        crash(7, looping);
        say("guest 7 starts");
    }
    boot();
    struct lastlog_lines lines = lastlog_tail(&l, true, 3);
    assert_true(lastlog_next(&lines, line, sizeof(line)));
    assert_string_equal(line, "guest 0 crashed");
    assert_true(lastlog_next(&lines, line, sizeof(line)));
    assert_string_equal(line, "guest 15 crashed");
    uint32_t starts = 0;
    bool is_last_there = false;
    while (lastlog_next(&lines, line, sizeof(line))) {
        starts += strcmp(line, "guest 7 starts") == 0;
        is_last_there |= strcmp(line, looping) == 0;
    }
    assert_int_equal(starts, 3);
    assert_true(is_last_there);
}

/* Lines of all parts come in the order of writing. */
static void test_parts_in_order(void **state)
{
    char want[16], line[16];

    (void)state;
    boot();
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(want, sizeof(want), "line %u", i);
        lastlog_append(&l, i * 5 % LASTLOG_PARTS, want, strlen(want));
    }
    boot();
    struct lastlog_lines lines = lastlog_tail(&l, true, UINT32_MAX);
    for (uint32_t i = 0; i < 20; i++) {
        snprintf(want, sizeof(want), "line %u", i);
        assert_true(lastlog_next(&lines, line, sizeof(line)));
        assert_string_equal(line, want);
    }
    assert_false(lastlog_next(&lines, line, sizeof(line)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines_survive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_boots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ring, setup, teardown),
        cmocka_unit_test_setup_teardown(test_this_boot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut_and_filtered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_small, setup, teardown),
        cmocka_unit_test_setup_teardown(test_crashes_are_kept_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parts_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_noise, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
