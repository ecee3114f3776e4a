/* SPDX-License-Identifier: MIT */
/*
 * test_errors: the order of errors, the limits of their number and length, and how they are shown.
 */
#include "kernel/config/errors.h"

#include <stdio.h>

#include "support.h"

static struct errors report;

static int setup(void **state)
{
    (void)state;
    memset(&report, 0, sizeof(report));
    return 0;
}

static void expect_line(uint32_t index, const char *want)
{
    char line[256];
    assert_true(errors_print(&report, index, "bulkhead.conf", line, sizeof(line)));
    assert_string_equal(line, want);
}

static void expect_end(uint32_t index)
{
    char line[8] = "kept";
    assert_false(errors_print(&report, index, "bulkhead.conf", line, sizeof(line)));
    assert_string_equal(line, "kept");
}

static void test_empty(void **state)
{
    (void)state;
    expect_end(0);
    expect_end(UINT32_MAX);
}

static void test_words(void **state)
{
    (void)state;
    errors_add(&report, 14, "guest '%s' wants %u cores", "rtos", 4u);
    assert_int_equal(report.count, 1);
    expect_line(0, "bulkhead.conf:14: guest 'rtos' wants 4 cores");
    expect_end(1);
}

static void test_file_as_a_whole(void **state)
{
    (void)state;
    errors_add(&report, 3, "later");
    errors_add(&report, 0, "the file is empty");
    expect_line(0, "bulkhead.conf: the file is empty");
    expect_line(1, "bulkhead.conf:3: later");
    expect_end(2);
}

static void test_sorted_and_stable(void **state)
{
    static const uint32_t lines[] = {5, 2, 9, 2, 5, 1};
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(lines); i++)
        errors_add(&report, lines[i], "no. %u", i);
    expect_line(0, "bulkhead.conf:1: no. 5");
    expect_line(1, "bulkhead.conf:2: no. 1");
    expect_line(2, "bulkhead.conf:2: no. 3");
    expect_line(3, "bulkhead.conf:5: no. 0");
    expect_line(4, "bulkhead.conf:5: no. 4");
    expect_line(5, "bulkhead.conf:9: no. 2");
    expect_end(6);
}

static void test_full(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= ERRORS_MAX; i++)
        errors_add(&report, i * 10, "x");
    assert_int_equal(report.count, ERRORS_MAX);
    expect_end(ERRORS_MAX);
    errors_add(&report, 10000, "behind all");
    expect_line(ERRORS_MAX - 1, "bulkhead.conf:320: x");
    expect_line(ERRORS_MAX, "bulkhead.conf: and 1 more error");
    expect_end(ERRORS_MAX + 1);
}

/* The first ones by line are kept, whenever they come. */
static void test_full_makes_room(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= ERRORS_MAX; i++)
        errors_add(&report, i * 10, "x");
    errors_add(&report, 15, "late");
    errors_add(&report, 320, "equal to the last: stays out");
    assert_int_equal(report.count, ERRORS_MAX + 2);
    expect_line(0, "bulkhead.conf:10: x");
    expect_line(1, "bulkhead.conf:15: late");
    expect_line(2, "bulkhead.conf:20: x");
    expect_line(ERRORS_MAX - 1, "bulkhead.conf:310: x");
    expect_line(ERRORS_MAX, "bulkhead.conf: and 2 more errors");
}

static void test_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 1000000; i++)
        errors_add(&report, 1000000 - i / 2, "x");
    assert_int_equal(report.count, 1000000);
    expect_line(0, "bulkhead.conf:500001: x");
    expect_line(ERRORS_MAX, "bulkhead.conf: and 999968 more errors");
    report.count = UINT32_MAX;
    errors_add(&report, 2000000, "x");
    assert_int_equal(report.count, UINT32_MAX);
}

static void test_long_text(void **state)
{
    char text[ERRORS_TEXT_MAX + 10];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[ERRORS_TEXT_MAX - 2] = '\0';
    errors_add(&report, 1, "%s", text);
    assert_string_equal(report.rows[0].text, text);
    text[ERRORS_TEXT_MAX - 2] = 'a';
    text[sizeof(text) - 1] = '\0';
    errors_add(&report, 2, "%s", text);
    assert_int_equal(strlen(report.rows[1].text), ERRORS_TEXT_MAX - 1);
    assert_string_equal(report.rows[1].text + ERRORS_TEXT_MAX - 5, "a...");
}

static void test_small_buffer(void **state)
{
    char line[8];
    (void)state;
    errors_add(&report, 1, "x");
    assert_true(errors_print(&report, 0, "bulkhead.conf", line, sizeof(line)));
    assert_string_equal(line, "bulkhea");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_empty, setup),
        cmocka_unit_test_setup(test_words, setup),
        cmocka_unit_test_setup(test_file_as_a_whole, setup),
        cmocka_unit_test_setup(test_sorted_and_stable, setup),
        cmocka_unit_test_setup(test_full, setup),
        cmocka_unit_test_setup(test_full_makes_room, setup),
        cmocka_unit_test_setup(test_many, setup),
        cmocka_unit_test_setup(test_long_text, setup),
        cmocka_unit_test_setup(test_small_buffer, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
