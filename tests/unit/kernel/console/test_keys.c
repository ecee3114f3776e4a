/* SPDX-License-Identifier: MIT */
/*
 * test_keys: the monitor's key in each form that a terminal can report it in, and what is not it.
 */
#include "kernel/console/keys.h"

#include "support.h"

/* How often the key was pressed, and only with the last byte. */
static uint32_t presses(const char *bytes)
{
    struct keys keys = {0};
    uint32_t count = 0;

    for (; *bytes; bytes++) {
        const bool pressed = keys_press(&keys, (uint8_t)*bytes);
        assert_true(!pressed || bytes[1] == '\0');
        count += pressed;
    }
    return count;
}

static void forms_of_the_key(void **state)
{
    static const char *const forms[] = {
        "\x14",
        "text\x14",
        "\x1b\x14",
        "\x1b[2\x14",
        "\x1b[27;5;116~",
        "\23327;5;116~",
        "\x1b[27;5;84~", /* Caps Lock */
        "\x1b[116;5u",
        "\x1b[116;69u",     /* Caps Lock */
        "\x1b[116;133u",    /* Num Lock */
        "\x1b[116;197u",    /* both */
        "\x1b[116:84;5:1u", /* with the shifted key, and as a press */
        "\x1b[116;5;20u",
        "\x1b[84;20;20;1;8;1_",
        "\x1b[1;1\x1b[116;5u", /* behind what was broken off */
        "\x1b\x1b[116;5u",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
        assert_int_equal(presses(forms[i]), 1);
}

static void what_is_not_the_key(void **state)
{
    static const char *const others[] = {
        "t",
        "[116;5u",
        "\x1b[116u",
        "\x1b[116;1u",
        "\x1b[116;6u", /* with Shift */
        "\x1b[116;7u", /* with Alt */
        "\x1b[115;5u",
        "\x1b[27;5;115~",
        "\x1b[27;116;5~",
        "\x1b[26;5;116~",
        "\x1b[?116;5u", /* an answer */
        "\x1b[116;5R",
        "\x1b[116;5~",
        "\x1b[84;20;20;0;8;1_", /* released */
        "\x1b[84;20;116;1;8;1_",
        "\x1b[116;5 u",
        "\x1b[116;5\nu",
        "\x1b[1160000000000000000116;5u",
        "\x1b[;;;;;;;;;;116;5u",
        "\x1b]116;5u",
        "\x1b[A\x1b[B~u_",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(presses(others[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_the_key),
        cmocka_unit_test(what_is_not_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
