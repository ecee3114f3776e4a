/* SPDX-License-Identifier: MIT */
/*
 * test_bootlog: lines are kept from the beginning on and while there is room; each is on exactly
 * one page, in order, and a page fits the screen.
 */
#include "kernel/console/bootlog.h"

#include <stdio.h>

#include "support.h"

static void keep(const char *line)
{
    bootlog_keep(line, strlen(line));
}

/* First of all: nothing can be taken back. */
static void lines_are_kept_from_the_beginning_on(void **state)
{
    size_t size;

    (void)state;
    keep("too early");
    (void)bootlog_lines(&size);
    assert_int_equal(size, 0);
    bootlog_begin();
    keep("one");
    keep("");
    keep("three");
    const char *text = bootlog_lines(&size);
    assert_int_equal(size, sizeof("one\0\0three"));
    assert_memory_equal(text, "one\0\0three", size);
}

static void what_finds_no_room_is_counted(void **state)
{
    char line[240] = "";
    size_t before, size;

    (void)state;
    memset(line, 'x', sizeof(line) - 1);
    assert_int_equal(bootlog_left_out(), 0);
    while (bootlog_left_out() == 0)
        keep(line);
    (void)bootlog_lines(&before);
    assert_true(before > 60 * 1024);
    keep(line);
    assert_int_equal(bootlog_left_out(), 2);
    const char *text = bootlog_lines(&size);
    assert_int_equal(size, before);
    assert_int_equal(text[size - 1], 0);
}

/* How many pages, of how many lines each: "3 2 1". */
static const char *pages(const char *lines, size_t size, uint32_t rows, uint32_t columns)
{
    static char said[256];
    struct bootlog_page page = {.end = lines};
    const char *expected = lines;

    said[0] = '\0';
    while (bootlog_turn(&page, lines + size, rows, columns, 2)) {
        uint32_t count = 0;

        assert_ptr_equal(page.from, expected);
        for (const char *line = page.from; line < page.end; line += strlen(line) + 1)
            count++;
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%u",
                 said[0] == '\0' ? "" : " ", count);
        expected = page.end;
    }
    assert_ptr_equal(expected, lines + size);
    return said;
}

#define PAGES(lines, rows, columns) pages(lines, sizeof(lines), rows, columns)

static void pages_have_whole_lines_and_fit(void **state)
{
    (void)state;
    assert_string_equal(pages("", 0, 3, 10), "");
    assert_string_equal(PAGES("a", 3, 10), "1");
    assert_string_equal(PAGES("a\0b\0c", 3, 10), "3");
    assert_string_equal(PAGES("a\0b\0c\0d", 3, 10), "3 1");
    assert_string_equal(PAGES("a\0\0\0\0\0\0g", 3, 10), "3 3 1");
    /* With the two before it, eight fill a row and nine take another one. */
    assert_string_equal(PAGES("12345678\0b\0c\0d", 3, 10), "3 1");
    assert_string_equal(PAGES("123456789\0b\0c\0d", 3, 10), "2 2");
    assert_string_equal(PAGES("a\0b\0"
                              "123456789\0d",
                              3, 10),
                        "2 2");
    /* Longer than a page. */
    assert_string_equal(PAGES("a\0"
                              "123456789012345678901234567890\0c",
                              2, 10),
                        "1 1 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_kept_from_the_beginning_on),
        cmocka_unit_test(what_finds_no_room_is_counted),
        cmocka_unit_test(pages_have_whole_lines_and_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
