/* SPDX-License-Identifier: MIT */
/*
 * test_log: what becomes of a line before it is handed on: cut, cleaned, given its place.
 */
#include "lib/log.h"

#include "lib/status.h"
#include "support.h"

static int setup(void **state)
{
    (void)state;
    lines_clear();
    return 0;
}

static void test_line(void **state)
{
    (void)state;
    log_line("guest '%s': %u cores", "linux", 2u);
    log_line("%s", "");
    assert_int_equal(lines_count(), 2);
    assert_string_equal(lines_last(1), "guest 'linux': 2 cores");
    assert_string_equal(lines_last(0), "");
}

static void test_longest_line(void **state)
{
    char text[LOG_LINE_MAX + 2];
    (void)state;
    memset(text, 'x', sizeof(text));

    text[LOG_LINE_MAX] = '\0'; /* fits exactly: not a byte is lost */
    log_line("%s", text);
    assert_string_equal(lines_last(0), text);

    text[LOG_LINE_MAX] = 'y'; /* one too many */
    text[LOG_LINE_MAX + 1] = '\0';
    log_line("%s", text);
    assert_int_equal(strlen(lines_last(0)), LOG_LINE_MAX);
    assert_string_equal(lines_last(0) + LOG_LINE_MAX - 4, "x...");

    log_line("%s%s%s", text, text, text);
    assert_int_equal(strlen(lines_last(0)), LOG_LINE_MAX);
    assert_string_equal(lines_last(0) + LOG_LINE_MAX - 3, "...");
}

static void test_control_characters(void **state)
{
    (void)state;
    log_line("a\nb\r\tc\x1b[2J\x7f");
    assert_int_equal(lines_count(), 1);
    assert_string_equal(lines_last(0), "a?b??c?[2J?");
    log_line("caf\xc3\xa9 ~"); /* UTF-8 passes */
    assert_string_equal(lines_last(0), "caf\xc3\xa9 ~");
}

static void test_fail_place(void **state)
{
    (void)state;
    log_fail("plan.c", 14, "guest '%s' wants %d cores", "rtos", 4);
    assert_string_equal(lines_last(0), "plan.c:14: guest 'rtos' wants 4 cores");
}

static void test_fail_long(void **state)
{
    char name[2 * LOG_LINE_MAX];
    (void)state;
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    log_fail(name, 1, "never seen"); /* the place alone fills the line */
    assert_int_equal(strlen(lines_last(0)), LOG_LINE_MAX);
    assert_string_equal(lines_last(0) + LOG_LINE_MAX - 4, "n...");

    log_fail("a.c", 1, "%s", name);
    assert_int_equal(strlen(lines_last(0)), LOG_LINE_MAX);
    assert_memory_equal(lines_last(0), "a.c:1: nnn", 10);
    assert_string_equal(lines_last(0) + LOG_LINE_MAX - 4, "n...");
}

static enum status fail_here(void)
{
    return FAIL(E_NOMEM, "EPT of '%s'", "linux");
}

static void test_fail_macro(void **state)
{
    (void)state;
    assert_int_equal(fail_here(), E_NOMEM);
    assert_int_equal(lines_count(), 1);
    assert_memory_equal(lines_last(0), "test_log.c:", 11); /* the file's name, not its path */
    assert_true(lines_contain(": EPT of 'linux'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_line, setup),
        cmocka_unit_test_setup(test_longest_line, setup),
        cmocka_unit_test_setup(test_control_characters, setup),
        cmocka_unit_test_setup(test_fail_place, setup),
        cmocka_unit_test_setup(test_fail_long, setup),
        cmocka_unit_test_setup(test_fail_macro, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
