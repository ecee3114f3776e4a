/* SPDX-License-Identifier: MIT */
/* test_news: what is said of bytes that nobody read. */
#include "kernel/console/news.h"

#include "support.h"

static void all_kinds(void **state)
{
    (void)state;
    lines_clear();
    news_tell(INPUT_NO_NEWS, INPUT_MONITOR, "", 7);
    assert_int_equal(lines_count(), 0);
    news_tell(INPUT_HUSHED, INPUT_MONITOR, "", 7);
    assert_true(lines_contain("dropped 7 bytes that came in after the end of the raw view"));
    news_tell(INPUT_UNREAD, INPUT_MONITOR, "", 8);
    assert_true(lines_contain("dropped 8 of the typed bytes: the keyboard changed hands"));
    news_tell(INPUT_UNREAD, 0, "a", 9);
    assert_true(lines_contain("dropped 9 of the bytes typed for guest 'a': it did not read them"));
    news_tell(INPUT_NO_LIFE, 0, "a", 0);
    assert_true(lines_contain("guest 'a' is not running: your input is dropped; Ctrl-T opens the "
                              "monitor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_kinds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
