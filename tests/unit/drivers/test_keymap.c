/* SPDX-License-Identifier: MIT */
/*
 * test_keymap: characters, modifiers, locks, keys without a character, and whatever else a keyboard
 * may send.
 */
#include "drivers/keymap.h"

#include "support.h"

static struct keymap map;

static int setup(void **state)
{
    (void)state;
    keymap_init(&map);
    return 0;
}

/* Feeds `count` codes and expects them to make `want`. */
static void expect(const uint8_t *codes, size_t count, const char *want)
{
    char got[64] = {0};
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        uint8_t text[KEYMAP_BYTES_MAX];
        const size_t n = keymap_feed(&map, codes[i], text);
        assert_true(n <= KEYMAP_BYTES_MAX && len + n < sizeof(got));
        memcpy(got + len, text, n);
        len += n;
    }
    assert_string_equal(got, want);
}

#define EXPECT(want, ...)                      \
    do {                                       \
        const uint8_t codes[] = {__VA_ARGS__}; \
        expect(codes, sizeof(codes), want);    \
    } while (0)

static void test_characters(void **state)
{
    (void)state;
    EXPECT("hello", 0x23, 0xa3, 0x12, 0x92, 0x26, 0xa6, 0x26, 0xa6, 0x18, 0x98);
    EXPECT("q", 0x10, 0x90);
    EXPECT("/", 0x35, 0xb5);
    EXPECT(" \r\t\033\177", 0x39, 0xb9, 0x1c, 0x9c, 0x0f, 0x8f, 0x01, 0x81, 0x0e, 0x8e);
    EXPECT("1234567890-=[];'`\\,.", 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0x1a, 0x1b, 0x27, 0x28,
           0x29, 0x2b, 0x33, 0x34);
}

static void test_shift(void **state)
{
    (void)state;
    EXPECT("Hi!", 0x2a, 0x23, 0xa3, 0xaa, 0x17, 0x97, 0x36, 0x02, 0x82, 0xb6);
    EXPECT("AAa", 0x2a, 0x36, 0x1e, 0xaa, 0x1e, 0xb6, 0x1e); /* one released, one still down */
    EXPECT("!@#$%^&*()_+{}:\"~|<>?", 0x2a, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0x1a, 0x1b, 0x27,
           0x28, 0x29, 0x2b, 0x33, 0x34, 0x35, 0xaa);
}

static void test_repeat(void **state)
{
    (void)state;
    EXPECT("aaa", 0x1e, 0x1e, 0x1e, 0x9e);
}

static void test_caps_lock(void **state)
{
    (void)state;
    EXPECT("A1a", 0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0xaa); /* letters only, undone by shift */
    EXPECT("a", 0x3a, 0xba, 0x1e);
}

static void test_control(void **state)
{
    (void)state;
    EXPECT("\003\001", 0x1d, 0x2e, 0xae, 0x1e, 0x9e, 0x9d);
    EXPECT("\004", 0xe0, 0x1d, 0x20, 0xa0, 0xe0, 0x9d);
    EXPECT("d", 0x20);
    EXPECT("\033\034\0351", 0x1d, 0x1a, 0x2b, 0x1b, 0x02, 0x9d);
    EXPECT("\037", 0x1d, 0x2a, 0x0c, 0xaa, 0x9d);
    EXPECT("\003", 0x3a, 0x1d, 0x2e, 0x9d); /* whatever the case */
}

static void test_keys_without_character(void **state)
{
    (void)state;
    EXPECT("\033[A\033[B\033[C\033[D", 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x50, 0xe0, 0xd0, 0xe0, 0x4d,
           0xe0, 0xcd, 0xe0, 0x4b, 0xe0, 0xcb);
    EXPECT("\033[H\033[F\033[5~\033[6~\033[2~\033[3~", 0xe0, 0x47, 0xe0, 0x4f, 0xe0, 0x49, 0xe0,
           0x51, 0xe0, 0x52, 0xe0, 0x53);
    /* With Num Lock, keyboards wrap them into a shift that nobody pressed. */
    EXPECT("\033[Aa", 0xe0, 0x2a, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0xaa, 0x1e);
    EXPECT("\033[AA", 0x2a, 0xe0, 0xaa, 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x2a, 0x1e, 0xaa);
    EXPECT("", 0x3b, 0xbb, 0x44, 0x57, 0x58, 0x46); /* F1, F10, F11, F12, Scroll Lock */
    EXPECT("", 0x38, 0xb8, 0xe0, 0x38, 0xe0, 0xb8, 0xe0, 0x5b, 0xe0, 0x5d); /* Alt, menu */
    EXPECT("", 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);             /* Print Screen */
}

static void test_number_pad(void **state)
{
    (void)state;
    EXPECT("7894561230.+-*/\r", 0x47, 0x48, 0x49, 0x4b, 0x4c, 0x4d, 0x4f, 0x50, 0x51, 0x52, 0x53,
           0x4e, 0x4a, 0x37, 0xe0, 0x35, 0xe0, 0x1c);
    EXPECT("\033[H\033[A\033[3~+-", 0x45, 0xc5, 0x47, 0x48, 0x4c, 0x53, 0x4e, 0x4a);
    EXPECT("7", 0x45, 0xc5, 0x47);
}

static void test_pause(void **state)
{
    (void)state;
    EXPECT("7a", 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5, 0x47, 0x1e); /* no Ctrl, no Num Lock */
}

static void test_errors(void **state)
{
    (void)state;
    EXPECT("a", 0x2a, 0x1d, 0x00, 0x1e);
    EXPECT("a", 0x2a, 0xff, 0x1e);
    EXPECT("a", 0xe0, 0xff, 0x1e);
    EXPECT("", 0xfa, 0xee, 0xfe, 0x7f, 0x59, 0x80);
}

static void test_random(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t text[KEYMAP_BYTES_MAX];
        const size_t n = keymap_feed(&map, (uint8_t)random_next(&seed), text);

        assert_true(n <= KEYMAP_BYTES_MAX);
        for (size_t b = 0; b < n; b++)
            assert_true(text[b] != 0 && text[b] < 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_characters, setup),
        cmocka_unit_test_setup(test_shift, setup),
        cmocka_unit_test_setup(test_repeat, setup),
        cmocka_unit_test_setup(test_caps_lock, setup),
        cmocka_unit_test_setup(test_control, setup),
        cmocka_unit_test_setup(test_keys_without_character, setup),
        cmocka_unit_test_setup(test_number_pad, setup),
        cmocka_unit_test_setup(test_pause, setup),
        cmocka_unit_test_setup(test_errors, setup),
        cmocka_unit_test_setup(test_random, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
