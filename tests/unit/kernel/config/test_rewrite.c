/* SPDX-License-Identifier: MIT */
/*
 * test_rewrite: a text with another command line in it says that, and else what it said before.
 */
#include "kernel/config/rewrite.h"

#include "lib/string.h"
#include "support.h"

#define TOP  "[guest a]\nmemory = 16M\nimage = a\n"
#define LAST "[guest b]"

static struct config config;
static struct errors report;
static char out[4096];

static size_t rewrite(const char *text, uint32_t guest, const char *cmdline, size_t room)
{
    report = (struct errors){.count = 0};
    if (!config_parse(&config, text, strlen(text), &report))
        assert_true(report.count > 0); /* a text may lack what does not count here */
    return rewrite_cmdline(text, strlen(text), &config.guests[guest], cmdline, out, room);
}

static void check(const char *text, uint32_t guest, const char *cmdline, const char *expected)
{
    const size_t size = rewrite(text, guest, cmdline, sizeof(out));

    assert_int_equal(size, strlen(expected));
    assert_memory_equal(out, expected, size);
    for (size_t room = 0; room < size; room++)
        assert_int_equal(rewrite(text, guest, cmdline, room), 0);
}

static void every_place(void **state)
{
    (void)state;
    check(TOP "cmdline = x # y\n# z\n", 0, "new one", TOP "cmdline = new one\n# z\n");
    check(TOP "cmdline=x", 0, "new", TOP "cmdline = new");
    check(TOP "cmdline=x\r\n#\r\n", 0, "new", TOP "cmdline = new\r\n#\r\n");
    check(TOP "cmdline=x\n#\n", 0, "", TOP "\n#\n");
    check(TOP, 0, "", TOP);
    check(TOP, 0, "n", "[guest a]\ncmdline = n\nmemory = 16M\nimage = a\n");
    check("[guest a]\r\nimage = a", 0, "n", "[guest a]\r\ncmdline = n\r\nimage = a");
    check(TOP LAST, 1, "n", TOP LAST "\ncmdline = n");
    check("\xef\xbb\xbf[guest a]\n", 0, "n", "\xef\xbb\xbf[guest a]\ncmdline = n\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
