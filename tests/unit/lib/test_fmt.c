/* SPDX-License-Identifier: MIT */
/*
 * test_fmt: our printf against the C library's, over a table and over random conversions, and the
 * places where ours is meant to differ.
 */
#include "lib/fmt.h"

#include <limits.h>
#include <stdio.h>

#include "support.h"

#define ROUNDS 200000

/*
 * Both print; text, return value, final NUL and the bytes behind it must agree, at every size.
 * The format is hidden from the compilers: they warn of what C allows and we want to see.
 */
#define SAME(text, ...)                                               \
    do {                                                              \
        const char *volatile format = (text);                         \
        char want[256];                                               \
        int full = snprintf(want, sizeof(want), format, __VA_ARGS__); \
        assert_in_range(full, 0, sizeof(want) - 1);                   \
        for (size_t size = 0; size <= (size_t)full + 2; size++) {     \
            char ours[256];                                           \
            memset(want, 0x55, sizeof(want));                         \
            memset(ours, 0x55, sizeof(ours));                         \
            snprintf(want, size, format, __VA_ARGS__);                \
            size_t len = fmt_print(ours, size, format, __VA_ARGS__);  \
            assert_memory_equal(ours, want, sizeof(ours));            \
            assert_int_equal(len, size == 0 ? 0 : strlen(want));      \
        }                                                             \
    } while (0)

static void test_plain(void **state)
{
    (void)state;
    SAME("no conversion at all", 0);
    SAME("%s", "");
    SAME("100%% of %s", "it");
    SAME("%s%s%s", "a", "b", "c");
    SAME("%d:%x:%c:%s", 7, 0xbeef, 'z', "tail");
}

static void test_signed(void **state)
{
    static const int values[] = {0, 1, -1, 9, 10, -10, 12345, INT_MAX, INT_MIN};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        int v = values[i];
        SAME("%d|%i", v, v);
        SAME("%5d|%-5d|%05d", v, v, v);
        SAME("%.3d|%8.3d|%-8.3d|%08.3d", v, v, v, v);
        SAME("%.0d|%.d|%5.0d", v, v, v);
        SAME("%*d|%-*d|%.*d", 14, v, 14, v, 6, v);
        SAME("%*d", -14, v); /* a negative width is the flag - */
        SAME("%.*d|%05.*d", -1, v, -1, v);
    }
    SAME("%ld|%lld", LONG_MIN, LLONG_MIN);
    SAME("%ld|%lld", LONG_MAX, LLONG_MAX);
    SAME("%zd", (ssize_t)-5);
}

static void test_unsigned(void **state)
{
    static const unsigned values[] = {0, 1, 9, 10, 0xff, 0x100, INT_MAX, UINT_MAX};
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        unsigned v = values[i];
        SAME("%u|%x|%X", v, v, v);
        SAME("%12u|%-12x|%012X", v, v, v);
        SAME("%.10x|%14.10x|%-14.10x", v, v, v);
        SAME("%.0u|%.0x", v, v);
        SAME("%-05x|", v); /* - wins over 0 */
    }
    SAME("%lu|%llx|%zu|%zx", ULONG_MAX, ULLONG_MAX, SIZE_MAX, SIZE_MAX);
    SAME("%016lx", 0x123456789abcdef0ul);
}

static void test_short_lengths(void **state)
{
    (void)state;
    for (int v = -70000; v <= 70000; v += 177) {
        SAME("%hhd|%hd", (signed char)v, (short)v);
        SAME("%hhu|%hu", (unsigned char)v, (unsigned short)v);
        SAME("%hhx|%04hX", (unsigned char)v, (unsigned short)v);
    }
}

/* An int wider than its length modifier is cut, as C says; the compiler would warn, so by hand. */
static void test_lengths_cut(void **state)
{
    char buf[16];
    const char *volatile byte = "%hhx";
    const char *volatile half = "%hd";
    (void)state;
    fmt_print(buf, sizeof(buf), byte, 0x1234);
    assert_string_equal(buf, "34");
    fmt_print(buf, sizeof(buf), half, 0x18000);
    assert_string_equal(buf, "-32768");
}

static void test_text(void **state)
{
    static const char unended[3] = {'a', 'b', 'c'}; /* ASan sees a read behind it */
    (void)state;
    SAME("%s|%10s|%-10s|", "text", "text", "text");
    SAME("%.2s|%10.2s|%-10.2s|", "text", "text", "text");
    SAME("%.0s|%.9s|%2s", "text", "text", "text");
    SAME("%.*s|%*s", 3, unended, 6, "r");
    SAME("%c|%4c|%-4c|", 'x', 'y', 'z');

    char buf[32];
    const char *volatile nothing = NULL;
    fmt_print(buf, sizeof(buf), "[%8s]", nothing);
    assert_string_equal(buf, "[  (null)]");
}

static void test_pointer(void **state)
{
    char buf[32];
    (void)state;
    SAME("%p|%20p|%-20p|", (void *)0x1000, (void *)UINTPTR_MAX, (void *)1);
    fmt_print(buf, sizeof(buf), "%p", (void *)0);
    assert_string_equal(buf, "0x0");
}

/* What we do not convert is shown as written, and nothing is read for it. */
static void test_unknown(void **state)
{
    static const char *const formats[] = {"%q", "%", "a%-5", "%5.2y!", "%lk", "%+d", "%.", "% "};
    char buf[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        const char *volatile format = formats[i];
        size_t len = fmt_print(buf, sizeof(buf), format, 0);
        assert_string_equal(buf, formats[i]);
        assert_int_equal(len, strlen(formats[i]));
    }
}

/* Far more padding than room: must be cut, and must not take the time to count it out. */
static void test_enormous_width(void **state)
{
    char buf[8];
    const char *volatile counted = "%18446744073709551619d";
    const char *volatile given = "%-*s";
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(fmt_print(buf, sizeof(buf), "%2147483646d", 1), 7);
        assert_string_equal(buf, "       ");
        assert_int_equal(fmt_print(buf, sizeof(buf), "%.2147483646d", -1), 7);
        assert_string_equal(buf, "-000000");
        assert_int_equal(fmt_print(buf, sizeof(buf), given, INT_MIN, "ab"), 7);
        assert_string_equal(buf, "ab     ");
        assert_int_equal(fmt_print(buf, sizeof(buf), counted, 1), 7);
    }
}

static void random_format(uint64_t *seed, char *format, const char *length, char conversion)
{
    uint64_t r = random_next(seed);
    format += sprintf(format, "<%%");
    for (unsigned i = 0; i < (r & 3); i++, r >>= 1)
        *format++ = (r & 4) != 0 ? '-' : '0';
    r >>= 8;
    if ((r & 1) != 0)
        format += sprintf(format, "%u", (unsigned)(r >> 8 & 31));
    if ((r & 2) != 0)
        format += sprintf(format, ".%u", (unsigned)(r >> 16 & 31));
    sprintf(format, "%s%c>", length, conversion);
}

static void test_random_numbers(void **state)
{
    static const char *const lengths[] = {"hh", "h", "", "l", "ll", "z"};
    static const char conversions[] = "diuxX";
    uint64_t seed = 1;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char format[32], ours[80], want[80];
        unsigned length = (unsigned)(random_next(&seed) % ARRAY_SIZE(lengths));
        char conversion = conversions[random_next(&seed) % (sizeof(conversions) - 1)];
        uint64_t value = random_next(&seed) >> (random_next(&seed) & 63);
        size_t size = random_next(&seed) % sizeof(ours) + 1;
        if ((random_next(&seed) & 1) != 0)
            value = 0 - value;
        random_format(&seed, format, lengths[length], conversion);
        const char *volatile hidden = format;
        if (length < 3) {
            snprintf(want, size, hidden, (unsigned)value);
            fmt_print(ours, size, hidden, (unsigned)value);
        } else {
            snprintf(want, size, hidden, value);
            fmt_print(ours, size, hidden, value);
        }
        if (strcmp(ours, want) != 0)
            fail_msg("'%s' of %#lx: '%s', not '%s'", format, value, ours, want);
    }
}

static void test_random_texts(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int i = 0; i < ROUNDS / 10; i++) {
        char format[32], text[32], ours[80], want[80];
        size_t len = random_next(&seed) % sizeof(text);
        for (size_t j = 0; j < len; j++)
            text[j] = (char)(random_next(&seed) % 255 + 1);
        text[len] = '\0';
        random_format(&seed, format, "", 's');
        for (char *c = format; *c != '\0'; c++) { /* C leaves the flag 0 undefined for %s */
            if (*c == '0')
                *c = '-';
            else if (*c >= '1')
                break;
        }
        const char *volatile hidden = format;
        int full = snprintf(want, sizeof(want), hidden, text);
        assert_int_equal(fmt_print(ours, sizeof(ours), hidden, text), full);
        assert_string_equal(ours, want);
    }
}

static void test_size(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {
        {0, "0 B"},
        {1, "1 B"},
        {513, "513 B"},
        {1023, "1023 B"},
        {1024, "1 KiB"},
        {1025, "1025 B"},
        {1536 * KIB, "1536 KiB"},
        {16 * MIB, "16 MiB"},
        {512 * MIB, "512 MiB"},
        {GIB, "1 GiB"},
        {3 * GIB + 512 * MIB, "3584 MiB"},
        {1024 * GIB, "1 TiB"},
        {UINT64_C(1) << 63, "8388608 TiB"},
        {UINT64_MAX, "18446744073709551615 B"},
    };
    char buf[32];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(fmt_size(buf, sizeof(buf), rows[i].bytes), strlen(rows[i].text));
        assert_string_equal(buf, rows[i].text);
    }
    assert_int_equal(fmt_size(buf, 4, 16 * MIB), 3);
    assert_string_equal(buf, "16 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),          cmocka_unit_test(test_signed),
        cmocka_unit_test(test_unsigned),       cmocka_unit_test(test_short_lengths),
        cmocka_unit_test(test_lengths_cut),    cmocka_unit_test(test_text),
        cmocka_unit_test(test_pointer),        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_enormous_width), cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_random_texts),   cmocka_unit_test(test_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
