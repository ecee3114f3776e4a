/* SPDX-License-Identifier: MIT */
/*
 * test_postmortem: the last crash's lines come back as they were put, as far as there was room.
 */
#include "kernel/vm/postmortem.h"

#include "support.h"

static struct postmortem p;

static void put(const char *line)
{
    postmortem_put(&p, line, strlen(line));
}

static void expect(struct postmortem_reader *r, const char *want)
{
    char line[300];

    assert_true(postmortem_next(&p, r, line, sizeof(line)));
    assert_string_equal(line, want);
}

static void expect_end(struct postmortem_reader *r)
{
    char line[8];

    assert_false(postmortem_next(&p, r, line, sizeof(line)));
    assert_string_equal(line, "");
}

static int clear(void **state)
{
    (void)state;
    memset(&p, 0, sizeof(p));
    return 0;
}

static void the_last_crash_is_kept(void **state)
{
    struct postmortem_reader r = {0};

    (void)state;
    expect_end(&r);
    postmortem_begin(&p, 1, 100);
    put("first");
    postmortem_begin(&p, 3, 200);
    assert_int_equal(p.crashes, 2);
    assert_int_equal(p.life, 3);
    assert_int_equal(p.when, 200);
    put("second");
    put("");
    put("  the end");
    for (uint32_t again = 0; again < 2; again++) {
        r = (struct postmortem_reader){0};
        expect(&r, "second");
        expect(&r, "");
        expect(&r, "  the end");
        expect_end(&r);
    }
}

static void a_line_is_cut_to_fit_its_reader(void **state)
{
    struct postmortem_reader r = {0};
    char line[5];

    (void)state;
    postmortem_begin(&p, 1, 0);
    put("12345678");
    put("next");
    assert_true(postmortem_next(&p, &r, line, sizeof(line)));
    assert_string_equal(line, "1234");
    expect(&r, "next");
}

static void another_crash_ends_the_reading(void **state)
{
    struct postmortem_reader r = {0};

    (void)state;
    postmortem_begin(&p, 1, 0);
    put("one");
    put("two");
    expect(&r, "one");
    postmortem_begin(&p, 2, 0);
    put("other");
    put("lines");
    expect_end(&r);
}

/* Once a line has found no room, none after it is kept: what is there has no hole. */
static void what_does_not_fit_is_left_out(void **state)
{
    struct postmortem_reader r = {0};
    char line[240];
    uint32_t lines = 0;

    (void)state;
    postmortem_begin(&p, 1, 0);
    memset(line, 'x', sizeof(line));
    for (uint32_t i = 0; i < 2 * POSTMORTEM_BYTES / sizeof(line); i++)
        postmortem_put(&p, line, sizeof(line));
    put("short");
    assert_true(p.full);
    while (postmortem_next(&p, &r, line, sizeof(line))) {
        assert_int_equal(strlen(line), sizeof(line) - 1);
        lines++;
    }
    assert_int_equal(lines, POSTMORTEM_BYTES / (sizeof(line) + 1));
    postmortem_begin(&p, 2, 0);
    memset(line, 'y', sizeof(line));
    char all[POSTMORTEM_BYTES];
    memset(all, 'z', sizeof(all));
    postmortem_put(&p, all, sizeof(all) - 1); /* just fits, with its end */
    assert_false(p.full);
    put("");
    assert_true(p.full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_last_crash_is_kept, clear),
        cmocka_unit_test_setup(a_line_is_cut_to_fit_its_reader, clear),
        cmocka_unit_test_setup(another_crash_ends_the_reading, clear),
        cmocka_unit_test_setup(what_does_not_fit_is_left_out, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
