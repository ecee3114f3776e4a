/* SPDX-License-Identifier: MIT */
/*
 * test_utf8: every character comes out as it went in, what is not one becomes one mark, and what
 * could change the look of a row is known.
 */
#include "lib/utf8.h"

#include "support.h"

#define BROKEN UTF8_BROKEN

static uint32_t codes[64];

/* The codes in `bytes`, into codes[]; returns how many. */
static size_t take(struct utf8 *u, const char *bytes, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        uint32_t out[2];
        const uint32_t n = utf8_take(u, (uint8_t)bytes[i], out);
        assert_true(n <= 2);
        memcpy(codes + count, out, n * sizeof(out[0]));
        count += n;
    }
    return count;
}

static void every_character_goes_through(void **state)
{
    struct utf8 u = {0};

    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        uint8_t bytes[UTF8_MAX];
        const uint32_t len = utf8_put(code, bytes);
        assert_int_equal(len, code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);
        assert_int_equal(take(&u, (const char *)bytes, len), 1);
        assert_int_equal(codes[0], code >= 0xd800 && code <= 0xdfff ? BROKEN : code);
        assert_int_equal(u.left, 0);
    }
}

static void broken_sequences_are_one_each(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t codes[4]; /* up to the first 0 */
    } rows[] = {
        {"\xc3\xa9", {0xe9}},
        {"\xc0\xaf", {BROKEN}}, /* overlong */
        {"\xc1\xbf", {BROKEN}},
        {"\xe0\x80\xaf", {BROKEN}},
        {"\xe0\x9f\xbf", {BROKEN}},
        {"\xf0\x80\x80\xaf", {BROKEN}},
        {"\xf0\x8f\xbf\xbf", {BROKEN}},
        {"\xed\xa0\x80", {BROKEN}}, /* surrogates */
        {"\xed\xbf\xbf", {BROKEN}},
        {"\xed\xa0\x80\xed\xb0\x80", {BROKEN, BROKEN}},
        {"\xf4\x90\x80\x80", {BROKEN}}, /* beyond U+10FFFF */
        {"\xf7\xbf\xbf\xbf", {BROKEN}},
        {"\xf8\x88\x80\x80\x80", {BROKEN}}, /* five and six bytes */
        {"\xfc\x84\x80\x80\x80\x80", {BROKEN}},
        {"\xfe\xff", {BROKEN, BROKEN}}, /* never in UTF-8 */
        {"\xc3x", {BROKEN, 'x'}},       /* broken off */
        {"\xe2\x82x", {BROKEN, 'x'}},
        {"\xe2\x82\xc3\xa9", {BROKEN, 0xe9}},
        {"\xf0\x9f\x98\n", {BROKEN, '\n'}},
        {"\xa0\xbf", {BROKEN, BROKEN}}, /* continue nothing */
        {"\x80\x9b", {0x80, 0x9b}},     /* C1, as one byte and as two */
        {"\xc2\x80\xc2\x9b", {0x80, 0x9b}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct utf8 u = {0};
        const size_t count = take(&u, rows[i].bytes, strlen(rows[i].bytes));
        assert_true(count < ARRAY_SIZE(rows[i].codes));
        assert_memory_equal(codes, rows[i].codes, count * sizeof(codes[0]));
        assert_int_equal(rows[i].codes[count], 0);
        assert_int_equal(u.left, 0);
    }
}

/* Once it has been shown as broken, its rest is not shown as something else. */
static void what_is_given_up_is_over(void **state)
{
    struct utf8 u = {0};

    (void)state;
    assert_false(utf8_give_up(&u));
    assert_int_equal(take(&u, "\xf0\x9f", 2), 0);
    assert_true(utf8_give_up(&u));
    assert_false(utf8_give_up(&u));
    assert_int_equal(take(&u, "\x98\x80", 2), 0);
    assert_int_equal(take(&u, "\xc3\xa9", 2), 1);
    assert_int_equal(codes[0], 0xe9);
    assert_int_equal(take(&u, "\xf0", 1), 0);
    assert_true(utf8_give_up(&u));
    assert_int_equal(take(&u, "x\xe2", 2), 1); /* no second mark */
    assert_int_equal(codes[0], 'x');
    assert_int_equal(take(&u, "\x82\xac", 2), 1);
    assert_int_equal(codes[0], 0x20ac);
}

static void what_is_plain(void **state)
{
    static const uint32_t plain[] = {
        ' ',    '~',    0xa0,   0xe9,   0x301,  0x416,   0x5d0,       0x4e2d,
        0x2502, 0x2800, 0xac00, 0xe0b0, 0xfffd, 0x1f600, 0x2ffff - 2, 0x10fffd,
    };
    static const uint32_t not_plain[] = {
        0,      '\n',   '\t',   0x1b,    0x7f,     0x80,    0x85,    0x9b,     0x9f,
        0xad,   0x61c,  0x200b, 0x200d,  0x200e,   0x200f,  0x2028,  0x2029,   0x202a,
        0x202e, 0x2060, 0x2066, 0x2069,  0x3164,   0xd800,  0xfdd0,  0xfe0f,   0xfeff,
        0xfff9, 0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0xe0001, 0xe0100, 0x110000, BROKEN,
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        assert_true(utf8_is_plain(plain[i]));
    for (size_t i = 0; i < ARRAY_SIZE(not_plain); i++)
        assert_false(utf8_is_plain(not_plain[i]));
}

static void how_wide_it_is(void **state)
{
    static const uint32_t narrow[] = {'a', 0xe9, 0x301, 0x416, 0x5d0, 0x2502, 0x2588, 0xfffd};
    static const uint32_t wide[] = {0x1100,  0x231a,  0x2705,  0x2e80,  0x3042,  0x4e2d, 0xa4c6,
                                    0xac00,  0xd7a3,  0xf900,  0xfe30,  0xff01,  0xffe6, 0x17000,
                                    0x1f004, 0x1f600, 0x1faff, 0x20000, 0x3fffd, 0xe0b0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(narrow); i++)
        assert_int_equal(utf8_width(narrow[i]), 1);
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
        assert_int_equal(utf8_width(wide[i]), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_goes_through),
        cmocka_unit_test(broken_sequences_are_one_each),
        cmocka_unit_test(what_is_given_up_is_over),
        cmocka_unit_test(what_is_plain),
        cmocka_unit_test(how_wide_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
