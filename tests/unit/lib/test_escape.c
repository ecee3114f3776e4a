/* SPDX-License-Identifier: MIT */
/*
 * test_escape: sequences are left out, whole or broken, and nothing else is.
 */
#include "lib/escape.h"

#include "lib/utf8.h"
#include "support.h"

#define E "\x1b"

static char left[2 * ESCAPE_MAX];

/* What stays of UTF-8 bytes; C1 and what is broken as '?'. */
static const char *left_of(const char *bytes, size_t count)
{
    struct escape escape = {0};
    struct utf8 utf8 = {0};
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t codes[2];
        const uint32_t n = utf8_take(&utf8, (uint8_t)bytes[i], codes);
        for (uint32_t c = 0; c < n; c++) {
            if (escape_eats(&escape, codes[c]))
                continue;
            if (utf8_is_plain(codes[c]) || codes[c] < 0x20)
                len += utf8_put(codes[c], (uint8_t *)left + len);
            else
                left[len++] = '?';
        }
    }
    left[len] = '\0';
    return left;
}

static const char *what_is_left(const char *bytes)
{
    return left_of(bytes, strlen(bytes));
}

/* One row for each class of control function in ECMA-48 and ECMA-35; the bytes and what stays. */
static void each_class(void **state)
{
    static const char *const rows[][2] = {
        /* control sequences: parameters, private ones, intermediates, each final */
        {"/ # " E "[6n", "/ # "},
        {E "[1;32mgreen" E "[0m" E "[2J" E "[?25h!", "green!"},
        {E "[38:2::1:2:3mx" E "[>4;2my" E "[ qz" E "[!p.", "xyz."},
        {E "[@a" E "[~b" E "[`c" E "[[d", "abcd"},
        /* escape sequences: two-byte, private, with one and more intermediates */
        {E "c." E "7." E "8." E "=." E ">.", "....."},
        {E "(B." E ")0." E "*A." E "%G." E "#8." E " F.", "......"},
        {E "([x" E "([mx", "xmx"}, /* after an intermediate it is no CSI */
        {E "$(C." E "(%5." E "$ -~.", "..."},
        {E "D." E "E." E "H." E "M." E "Z." E "~.", "......"},
        /* strings, ended by ST or BEL */
        {"a" E "]0;a title" E "\\b", "ab"},
        {"a" E "]2;a title\ab", "ab"},
        {"a" E "]8;;https://example.org/?q=1" E "\\link" E "]8;;" E "\\b", "alinkb"},
        {"a" E "]3008;start=0f;user=root;type=boot" E "\\b", "ab"},
        {"a" E "P1$r0m" E "\\b" E "Pq#0;2;0;0;0~~\ac", "abc"},
        {"a" E "_apc" E "\\b" E "^pm" E "\\c" E "Xsos" E "\\d", "abcd"},
        {"a" E "]0;caf\xc3\xa9 \xe2\x9c\x93 \xf0\x9f\x98\x80\x07"
         "b",
         "ab"}, /* no ST in there */
        {"a" E "]0;tab\tand\rreturn" E "\\b", "ab"},
        /* single shifts */
        {"a" E "NAb" E "OPc", "abc"},
        /* C1 as one byte */
        {"\x9b"
         "1mx\x9b"
         "2Jy",
         "xy"},
        {"a\x9d"
         "0;title\x9c"
         "b\x90q\x9c"
         "c\x9e"
         "p\x9c"
         "d\x9f"
         "a\x9c"
         "e\x98s\x9c"
         "f",
         "abcdef"},
        {"a\x8e"
         "Ab\x8f"
         "Bc",
         "abc"},
        {"a\x9d"
         "0;title" E "\\b" E "]0;title\x9c"
         "c",
         "abc"},
        /* C1 as UTF-8 */
        {"\xc2\x9b"
         "1mx\xc2\x9b"
         "2Jy",
         "xy"},
        {"a\xc2\x9d"
         "0;title\xc2\x9c"
         "b\xc2\x90q\xc2\x9c"
         "c\xc2\x9e"
         "p\xc2\x9c"
         "d",
         "abcd"},
        {"a\xc2\x8e"
         "Ab\xc2\x8f"
         "Bc",
         "abc"},
        /* C1 that is a whole function by itself is no sequence */
        {"a\x85"
         "b\xc2\x85"
         "c\x9c"
         "d\x84",
         "a?b?c?d?"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(what_is_left(rows[i][0]), rows[i][1]);
}

static void broken_sequences(void **state)
{
    static const char *const rows[][2] = {
        {E "[12;\n[next]", "\n[next]"},
        {E "\nx", "\nx"},
        {E "]0;no end\nx", "\nx"},
        {E "Pq\n" E "(\n", "\n\n"},
        {E E "[0mx", "x"},
        {E "[1" E "[0mx", "x"},
        {E "]0;title" E "[0mx", "x"},
        {"x" E "[", "x"},
        {E "[1\tx", "\tx"},
        {E "[1\xc3\xa9", "\xc3\xa9"},
        {E "(\xc3\xa9", "\xc3\xa9"},
        {E "[1\x9b"
           "2Jx",
         "x"},
        {E "[1\x18x" E "(\x1ay" E "]0;t\x18z", "xyz"}, /* CAN, SUB */
        {E "\x7f[1\x7f;2\x7fmx", "x"},                 /* DEL is filling */
        {"\x18\x1a\a", "\x18\x1a\a"},                  /* and these are nothing alone */
        {"\xc1\x9b"
         "1mx",
         "?1mx"}, /* overlong: neither ESC nor CSI */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(what_is_left(rows[i][0]), rows[i][1]);
}

/* However the bytes are cut into writes, the state goes along; what matters is how many follow. */
static void strings_have_a_bound(void **state)
{
    static const char *const begins[] = {E "]", "\x9d", E "P", E "[", E "(", "\xc2\x9f"};
    static char bytes[3 * ESCAPE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(begins); i++) {
        const bool is_c1 = begins[i][0] != '\x1b';
        const size_t begin = strlen(begins[i]);
        const size_t rest = ESCAPE_MAX - (is_c1 ? 1 : 2);
        memcpy(bytes, begins[i], begin);
        memset(bytes + begin, '(', sizeof(bytes) - begin);
        memcpy(bytes + begin + rest, "text", 4);
        assert_string_equal(left_of(bytes, begin + rest + 4), "text");
        assert_string_equal(left_of(bytes, begin + rest), "");
    }
}

/* Whatever came before, a newline is a newline. */
static void newlines_stay(void **unused)
{
    uint64_t seed = 3;

    (void)unused;
    for (uint32_t n = 0; n < 100000; n++) {
        struct escape escape = {0};
        const uint64_t bytes = random_next(&seed);
        for (uint32_t i = 0; i < 8; i++)
            (void)escape_eats(&escape, (uint8_t)(bytes >> (8 * i) & (n % 2 ? 0xff : 0x1b)));
        assert_false(escape_eats(&escape, '\n'));
        assert_int_equal(escape.state, ESCAPE_NONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class),
        cmocka_unit_test(broken_sequences),
        cmocka_unit_test(strings_have_a_bound),
        cmocka_unit_test(newlines_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
