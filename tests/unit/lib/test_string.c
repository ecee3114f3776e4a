/* SPDX-License-Identifier: MIT */
/*
 * test_string: the hypervisor's own memory functions, under other names beside the C library's,
 * at every small length and alignment; and the text functions of the header.
 */
#include "support.h"

#define memcpy  our_memcpy
#define memmove our_memmove
#define memset  our_memset
#define memcmp  our_memcmp
#define strlen  our_strlen
#define strcmp  our_strcmp
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp

#define SPAN 80 /* bytes of a test area, the guards around it included */

static void fill_pattern(uint8_t *bytes, size_t n, uint8_t first)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(first + i * 7);
}

static void test_memcpy(void **state)
{
    (void)state;
    for (size_t at = 0; at < 16; at++) {
        for (size_t n = 0; n <= 48; n++) {
            uint8_t ours[SPAN], want[SPAN], from[SPAN];
            fill_pattern(ours, SPAN, 1);
            fill_pattern(want, SPAN, 1);
            fill_pattern(from, SPAN, 100);
            memcpy(want + at, from + 3, n);
            assert_ptr_equal(our_memcpy(ours + at, from + 3, n), ours + at);
            assert_memory_equal(ours, want, SPAN);
        }
    }
}

static void test_memmove(void **state)
{
    (void)state;
    for (size_t to = 0; to < 24; to++) {
        for (size_t from = 0; from < 24; from++) {
            for (size_t n = 0; n <= 40; n++) {
                uint8_t ours[SPAN], want[SPAN];
                fill_pattern(ours, SPAN, 9);
                fill_pattern(want, SPAN, 9);
                memmove(want + to, want + from, n);
                assert_ptr_equal(our_memmove(ours + to, ours + from, n), ours + to);
                assert_memory_equal(ours, want, SPAN);
            }
        }
    }
}

static void test_memset(void **state)
{
    (void)state;
    for (size_t at = 0; at < 16; at++) {
        for (size_t n = 0; n <= 48; n++) {
            uint8_t ours[SPAN], want[SPAN];
            fill_pattern(ours, SPAN, 5);
            fill_pattern(want, SPAN, 5);
            memset(want + at, 0x1a5, n); /* only the low byte counts */
            assert_ptr_equal(our_memset(ours + at, 0x1a5, n), ours + at);
            assert_memory_equal(ours, want, SPAN);
        }
    }
}

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void test_memcmp(void **state)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    uint8_t a[20], b[20];
    (void)state;
    for (size_t n = 0; n <= sizeof(a); n++) {
        fill_pattern(a, sizeof(a), 3);
        fill_pattern(b, sizeof(b), 3);
        assert_int_equal(our_memcmp(a, b, n), 0);
        for (size_t at = 0; at < sizeof(a); at++) {
            for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
                uint8_t saved = b[at];
                b[at] = values[v];
                assert_int_equal(sign(our_memcmp(a, b, n)), sign(memcmp(a, b, n)));
                b[at] = saved;
            }
        }
    }
}

static void test_strlen(void **state)
{
    char text[SPAN];
    (void)state;
    for (size_t n = 0; n < SPAN; n++) {
        memset(text, 0xff, sizeof(text));
        text[n] = '\0';
        assert_int_equal(our_strlen(text), n);
    }
}

static void test_strcmp(void **state)
{
    static const char *const words[] = {"",     "a",    "b",     "ab",    "abc",    "abd",  "\x7f",
                                        "\x80", "\xff", "a\x80", "linux", "linux2", "LINUX"};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(words); j++) {
            int want = sign(strcmp(words[i], words[j]));
            assert_int_equal(sign(our_strcmp(words[i], words[j])), want);
            assert_int_equal(text_equal(words[i], words[j]), i == j);
        }
    }
}

static void test_text_copy(void **state)
{
    (void)state;
    for (size_t len = 0; len < 12; len++) {
        for (size_t size = 0; size < 16; size++) {
            char from[16] = {0}, to[16];
            memset(from, 'x', len);
            memset(to, '#', sizeof(to));
            assert_int_equal(text_copy(to, size, from), len < size);
            for (size_t i = size; i < sizeof(to); i++)
                assert_int_equal(to[i], '#');
            if (size == 0)
                continue;
            assert_int_equal(strlen(to), len < size ? len : size - 1);
            assert_int_equal(strncmp(to, from, strlen(to)), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memcpy),    cmocka_unit_test(test_memmove),
        cmocka_unit_test(test_memset),    cmocka_unit_test(test_memcmp),
        cmocka_unit_test(test_strlen),    cmocka_unit_test(test_strcmp),
        cmocka_unit_test(test_text_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
