/* SPDX-License-Identifier: MIT */
/*
 * test_prompt: whatever the prompt was and becomes, a terminal that obeys its bytes shows it, and
 * a typed character costs one byte.
 */
#include "kernel/console/prompt.h"

#include "support.h"

static struct prompt prompt;

/* A terminal's line. */
static char row[PROMPT_MAX];
static uint32_t column;

static int setup(void **state)
{
    (void)state;
    memset(&prompt, 0, sizeof(prompt));
    memset(row, ' ', sizeof(row));
    column = 0;
    return 0;
}

static uint32_t obey(const char *bytes, uint32_t len)
{
    assert_true(len <= PROMPT_ROOM);
    for (uint32_t i = 0; i < len; i++) {
        if (bytes[i] == '\b') {
            assert_true(column > 0);
            column--;
        } else if (bytes[i] == '\r') {
            column = 0;
        } else {
            assert_true(column < PROMPT_MAX);
            row[column++] = bytes[i];
        }
    }
    return len;
}

/* Shows `text` with the cursor there; returns the bytes that took. */
static uint32_t show(const char *text, uint32_t cursor)
{
    char bytes[PROMPT_ROOM], want[PROMPT_MAX];

    prompt_set(&prompt, text, (uint32_t)strlen(text), cursor);
    const uint32_t len = obey(bytes, prompt_show(&prompt, bytes));
    memset(want, ' ', sizeof(want));
    memcpy(want, text, strlen(text));
    assert_memory_equal(row, want, sizeof(want));
    assert_int_equal(column, cursor);
    assert_true(prompt.is_shown);
    return len;
}

static void hide(void)
{
    char bytes[PROMPT_ROOM], want[PROMPT_MAX];

    obey(bytes, prompt_hide(&prompt, bytes));
    memset(want, ' ', sizeof(want));
    assert_memory_equal(row, want, sizeof(want));
    assert_int_equal(column, 0);
    assert_int_equal(prompt_hide(&prompt, bytes), 0);
}

static void typing_is_cheap(void **state)
{
    (void)state;
    assert_int_equal(show("> ", 2), 2);
    assert_int_equal(show("> ", 2), 0);
    assert_int_equal(show("> l", 3), 1);
    assert_int_equal(show("> li", 4), 1);
    assert_int_equal(show("> l", 3), 3);   /* back, blank, back */
    assert_int_equal(show("> l", 2), 1);   /* cursor left */
    assert_int_equal(show("> l", 3), 1);   /* cursor right */
    assert_int_equal(show("> lxy", 3), 4); /* and back twice */
    hide();
    assert_int_equal(show("> lxy", 5), 5);
}

static void any_text_follows_any_other(void **state)
{
    char text[PROMPT_MAX + 1];
    uint64_t seed = 7;

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        const uint32_t len = (uint32_t)(random_next(&seed) % (PROMPT_MAX + 1));
        for (uint32_t c = 0; c < len; c++)
            text[c] = (char)('a' + random_next(&seed) % 2 * (c > len / 2));
        text[len] = '\0';
        (void)show(text, (uint32_t)(random_next(&seed) % (len + 1)));
        if (random_next(&seed) % 8 == 0)
            hide();
    }
}

static void too_much_is_cut(void **state)
{
    char text[PROMPT_MAX + 10];

    (void)state;
    memset(text, 'x', sizeof(text));
    prompt_set(&prompt, text, sizeof(text), sizeof(text));
    assert_int_equal(prompt.wanted.len, PROMPT_MAX);
    assert_int_equal(prompt.wanted.cursor, PROMPT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(typing_is_cheap, setup),
        cmocka_unit_test_setup(any_text_follows_any_other, setup),
        cmocka_unit_test_setup(too_much_is_cut, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
