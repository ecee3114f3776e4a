/* SPDX-License-Identifier: MIT */
/*
 * test_escape: sequences are left out, whole or broken, and nothing else is.
 */
#include "lib/escape.h"

#include "support.h"

static char left[256];

static const char *what_is_left(const char *bytes)
{
    enum escape state = ESCAPE_NONE;
    size_t len = 0;

    for (; *bytes != '\0'; bytes++) {
        if (!escape_eats(&state, (uint8_t)*bytes))
            left[len++] = *bytes;
    }
    left[len] = '\0';
    return left;
}

static void whole_sequences(void **state)
{
    (void)state;
    assert_string_equal(what_is_left("/ # \x1b[6n"), "/ # ");
    assert_string_equal(what_is_left("\x1b[1;32mgreen\x1b[0m\x1b[2J\x1b[?25h!"), "green!");
    assert_string_equal(what_is_left("\x1b"
                                     "c.\x1b"
                                     "7.\x1b[ q."),
                        "...");
}

static void broken_sequences(void **state)
{
    (void)state;
    assert_string_equal(what_is_left("\x1b[12;\n[next]"), "\n[next]");
    assert_string_equal(what_is_left("\x1b\nx"), "\nx");
    assert_string_equal(what_is_left("\x1b\x1b[0mx"), "x");
    assert_string_equal(what_is_left("\x1b[1\x1b[0mx"), "x");
    assert_string_equal(what_is_left("x\x1b["), "x");
}

/* Whatever came before, a newline is a newline. */
static void newlines_stay(void **unused)
{
    uint64_t seed = 3;

    (void)unused;
    for (uint32_t n = 0; n < 100000; n++) {
        enum escape state = ESCAPE_NONE;
        const uint64_t bytes = random_next(&seed);
        for (uint32_t i = 0; i < 8; i++)
            (void)escape_eats(&state, (uint8_t)(bytes >> (8 * i) & (n % 2 ? 0xff : 0x1b)));
        assert_false(escape_eats(&state, '\n'));
        assert_int_equal(state, ESCAPE_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sequences),
        cmocka_unit_test(broken_sequences),
        cmocka_unit_test(newlines_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
