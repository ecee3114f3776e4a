/* SPDX-License-Identifier: MIT */
/*
 * test_font: what makes the letters a font: common lines, free columns, no two alike.
 */
#include "drivers/font.h"

#include "support.h"

#define ROW_CAPITAL 2
#define ROW_X       5
#define ROW_BASE    11

static const uint8_t *glyph(char c)
{
    return font[c - FONT_FIRST];
}

static int top(char c)
{
    int row = 0;
    while (row < FONT_HEIGHT - 1 && glyph(c)[row] == 0)
        row++;
    return row;
}

static int bottom(char c)
{
    int row = FONT_HEIGHT - 1;
    while (row > 0 && glyph(c)[row] == 0)
        row--;
    return row;
}

static void only_the_space_is_empty(void **state)
{
    static const uint8_t empty[FONT_HEIGHT];

    (void)state;
    assert_int_equal(ARRAY_SIZE(font), 95);
    for (char c = FONT_FIRST; c <= FONT_LAST; c++)
        assert_int_equal(memcmp(glyph(c), empty, FONT_HEIGHT) == 0, c == ' ');
}

static void no_two_are_alike(void **state)
{
    (void)state;
    for (char a = FONT_FIRST; a <= FONT_LAST; a++) {
        for (char b = (char)(a + 1); b <= FONT_LAST; b++)
            assert_memory_not_equal(glyph(a), glyph(b), FONT_HEIGHT);
    }
}

/* At least this many pixels between those that are mixed up most easily. */
static void look_alikes_differ_clearly(void **state)
{
    static const char *const pairs[] = {"0O", "1l", "1I", "lI", "I|", "l|", "5S", "8B",
                                        "2Z", "6G", ",.", ":;", "'`", "({", "DO"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        int differ = 0;
        for (int row = 0; row < FONT_HEIGHT; row++)
            differ += __builtin_popcount(glyph(pairs[i][0])[row] ^ glyph(pairs[i][1])[row]);
        assert_true(differ >= 4);
    }
}

static void letters_stand_on_common_lines(void **state)
{
    (void)state;
    for (const char *c = "ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789"; *c != '\0'; c++) {
        assert_int_equal(top(*c), ROW_CAPITAL);
        assert_int_equal(bottom(*c), ROW_BASE);
    }
    for (const char *c = "acemnorsuvwxz"; *c != '\0'; c++) {
        assert_int_equal(top(*c), ROW_X);
        assert_int_equal(bottom(*c), ROW_BASE);
    }
    for (const char *c = "bdfhikl"; *c != '\0'; c++) {
        assert_int_equal(top(*c), ROW_CAPITAL);
        assert_int_equal(bottom(*c), ROW_BASE);
    }
    for (const char *c = "gpqy"; *c != '\0'; c++) {
        assert_int_equal(top(*c), ROW_X);
        assert_int_equal(bottom(*c), ROW_BASE + 3);
    }
}

/* Neighbours never touch: the last column is free, but for the underscore that joins. */
static void letters_keep_apart(void **state)
{
    (void)state;
    for (char c = FONT_FIRST; c <= FONT_LAST; c++) {
        for (int row = 0; c != '_' && row < FONT_HEIGHT; row++)
            assert_int_equal(glyph(c)[row] & 0x01, 0);
        assert_int_equal(glyph(c)[0], 0);
        assert_int_equal(glyph(c)[FONT_HEIGHT - 1], 0);
    }
}

static void brackets_mirror_each_other(void **state)
{
    static const char *const pairs[] = {"()", "[]", "{}", "<>", "/\\"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        for (int row = 0; row < FONT_HEIGHT; row++) {
            for (int column = 0; column < FONT_WIDTH; column++)
                assert_int_equal(glyph(pairs[i][0])[row] >> column & 1,
                                 glyph(pairs[i][1])[row] >> (FONT_WIDTH - 1 - column) & 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_space_is_empty),
        cmocka_unit_test(no_two_are_alike),
        cmocka_unit_test(look_alikes_differ_clearly),
        cmocka_unit_test(letters_stand_on_common_lines),
        cmocka_unit_test(letters_keep_apart),
        cmocka_unit_test(brackets_mirror_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
