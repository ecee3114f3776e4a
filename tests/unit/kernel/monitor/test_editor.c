/* SPDX-License-Identifier: MIT */
/*
 * test_editor: what each key does to the line, the limits of line and history, and that no
 * sequence of bytes breaks either.
 */
#include "kernel/monitor/editor.h"

#include <stdio.h>

#include "support.h"

static struct editor editor;

static int setup(void **state)
{
    (void)state;
    memset(&editor, 0, sizeof(editor));
    return 0;
}

/* The event of the last byte. */
static enum editor_event type(const char *keys)
{
    enum editor_event event = EDITOR_NOTHING;

    while (*keys != '\0')
        event = editor_key(&editor, (uint8_t)*keys++);
    return event;
}

/* `want` has a '|' where the cursor is. */
static void expect(const char *want)
{
    char shown[EDITOR_LINE_MAX + 1];

    assert_int_equal(strlen(editor.line), editor.len);
    memcpy(shown, editor.line, editor.cursor);
    shown[editor.cursor] = '|';
    strcpy(shown + editor.cursor + 1, editor.line + editor.cursor);
    assert_string_equal(shown, want);
}

static void enter(const char *line)
{
    char out[EDITOR_LINE_MAX];

    assert_int_equal(type("\x03"), EDITOR_CHANGED);
    (void)type(line);
    assert_int_equal(type("\r"), EDITOR_ENTER);
    editor_take(&editor, out);
    assert_string_equal(out, line);
    expect("|");
}

static void keys_edit_the_line(void **state)
{
    static const struct {
        const char *keys, *want;
    } rows[] = {
        {"abc", "abc|"},
        {"abc\x1b[D", "ab|c"},
        {"abc\x1b[D\x1b[D\x1b[C", "ab|c"},
        {"abc\x1b[Dx", "abx|c"},
        {"abc\x1b[H", "|abc"},
        {"abc\x1bOH", "|abc"},
        {"abc\x1b[1~", "|abc"},
        {"abc\x1b[H\x1b[F", "abc|"},
        {"abc\x1b[H\x1b[4~", "abc|"},
        {"abc\x01", "|abc"},
        {"abc\x01\x05", "abc|"},
        {"abc\b", "ab|"},
        {"abc\x7f\x7f", "a|"},
        {"abc\x1b[D\x7f", "a|c"},
        {"abc\x1b[H\x7f", "|abc"},
        {"abc\x1b[D\x1b[3~", "ab|"},
        {"abc\x1b[3~", "abc|"},
        {"abc\x1b[H\x1b[3~", "|bc"},
        {"abc def\x17", "abc |"},
        {"abc def  \x17", "abc |"},
        {"abc\x17\x17", "|"},
        {"abc def\x1b[D\x17", "abc |f"},
        {"abc def\x15", "|"},
        {"abc def\x1b[D\x15", "|f"},
        {"abc def\x1b[D\x0b", "abc de|"},
        {"abc\x03", "|"},
        {"abc\x1b[5~", "abc|"},
        {"abc\x1b[Z", "abc|"},
        {"abc\x1bx", "abc|"},
        {"abc\xc3\x9d", "abc|"}, /* one of its bytes alone would begin a string */
        {"a\x80\xff\x02\x1c"
         "b",
         "ab|"},
        {"\x1b[D\x1b[C\x7f\x17\x15", "|"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        memset(&editor, 0, sizeof(editor));
        (void)type(rows[i].keys);
        expect(rows[i].want);
    }
}

/* A guest that had the terminal for itself can have asked it something; answers come late. */
static void a_terminal_answers_in_vain(void **state)
{
    static const char *const answers[] = {
        "\x1b[?62;1;6c",                       /* what it is */
        "\x1b[>41;354;0c",                     /* its version */
        "\x1b[0n",                             /* its state */
        "\x1b[24;80R",                         /* its cursor */
        "\x1b[3;1R",                           /* with a number that is a key's */
        "\x1b[8;24;80t",                       /* its size */
        "\x1b]lpoweroff\r\x1b\\",              /* its title, with a command */
        "\x1b]11;rgb:0000/0000/0000\x07",      /* its colour */
        "\x1bP1$r0;1m\x1b\\",                  /* its attributes */
        "\x1bP>|XTerm(379)\rpoweroff\r\x1b\\", /* its name */
        "\x9b?62c",                            /* in 8 bits */
        "\x1b[200~",                           /* paste */
        "\x1b[116;5u",                         /* a key in another form */
        "\x1b[1;5D",                           /* a key with another one */
        "\x1b[M !!\x7f\x7f\x7f",               /* where the mouse is, as text */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        memset(&editor, 0, sizeof(editor));
        (void)type("list");
        for (const char *byte = answers[i]; *byte != '\0'; byte++)
            assert_int_not_equal(editor_key(&editor, (uint8_t)*byte), EDITOR_ENTER);
        (void)type("x");
        expect("listx|");
    }
}

/* A string without an end, as when Alt and P are pressed. */
static void a_string_is_left_by_ctrl_c(void **state)
{
    (void)state;
    assert_int_equal(type("abc\x1bPdef\r"), EDITOR_NOTHING);
    expect("abc|");
    assert_int_equal(type("\x03"), EDITOR_CHANGED);
    (void)type("def");
    expect("def|");
    (void)type("\x1b]more\x1b[D!"); /* or by another sequence */
    expect("de!|f");
}

static void events_say_what_to_do(void **state)
{
    (void)state;
    assert_int_equal(type("a"), EDITOR_CHANGED);
    assert_int_equal(type("\t"), EDITOR_TAB);
    assert_int_equal(type("\n"), EDITOR_ENTER);
    assert_int_equal(type("\x1b"), EDITOR_NOTHING);
    assert_int_equal(type("["), EDITOR_NOTHING);
    assert_int_equal(type("D"), EDITOR_CHANGED);
    assert_int_equal(type("\x1b[D"), EDITOR_NOTHING); /* there already */
    assert_int_equal(type("\x7f"), EDITOR_NOTHING);
    assert_int_equal(type("\x02"), EDITOR_NOTHING);
    expect("|a");
}

static void a_line_has_an_end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < EDITOR_LINE_MAX - 1; i++)
        assert_int_equal(type("x"), EDITOR_CHANGED);
    assert_int_equal(type("y"), EDITOR_NOTHING);
    assert_int_equal(editor.len, EDITOR_LINE_MAX - 1);
    editor_insert(&editor, "more");
    assert_int_equal(editor.len, EDITOR_LINE_MAX - 1);
    assert_null(strchr(editor.line, 'y'));
}

static void text_is_inserted_at_the_cursor(void **state)
{
    (void)state;
    (void)type("st guest\x1b[H\x1b[C\x1b[C");
    editor_insert(&editor, "art");
    expect("start| guest");
    editor_insert(&editor, "");
    expect("start| guest");
}

static void history_is_walked(void **state)
{
    (void)state;
    assert_int_equal(type("\x1b[A"), EDITOR_NOTHING);
    enter("one");
    enter("two");
    enter("two"); /* once is enough */
    enter("");    /* nothing to remember */
    enter("three");
    assert_int_equal(editor.history_count, 3);
    assert_int_equal(type("\x1b[A"), EDITOR_CHANGED);
    expect("three|");
    (void)type("\x10\x10");
    expect("one|");
    assert_int_equal(type("\x1b[A"), EDITOR_NOTHING);
    expect("one|");
    (void)type("\x1b[B");
    expect("two|");
    (void)type("\x0e\x0e");
    expect("|");
    assert_int_equal(type("\x1b[B"), EDITOR_NOTHING);
    (void)type("\x1b[A!");
    expect("three!|");
    (void)type("\x03");
    expect("|");
    (void)type("\x1b[A"); /* what was changed and not entered is as it was */
    expect("three|");
}

static void history_forgets_the_oldest(void **state)
{
    char line[EDITOR_LINE_MAX];

    (void)state;
    for (uint32_t i = 0; i < EDITOR_HISTORY_MAX + 5; i++) {
        snprintf(line, sizeof(line), "line %u", i);
        enter(line);
    }
    for (uint32_t i = 0; i < EDITOR_HISTORY_MAX + 5; i++)
        (void)type("\x1b[A");
    expect("line 5|");
}

static void nothing_breaks_it(void **state)
{
    uint64_t seed = 1;
    char out[EDITOR_LINE_MAX];

    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        const uint64_t r = random_next(&seed);
        const uint8_t byte = r & 0x300 ? (uint8_t)r : (uint8_t) "\x1b[ABCDHF3~\r\x7f\x17x "[r % 15];
        if (editor_key(&editor, byte) == EDITOR_ENTER)
            editor_take(&editor, out);
        assert_true(editor.cursor <= editor.len && editor.len < EDITOR_LINE_MAX);
        assert_int_equal(strlen(editor.line), editor.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(keys_edit_the_line, setup),
        cmocka_unit_test_setup(a_terminal_answers_in_vain, setup),
        cmocka_unit_test_setup(a_string_is_left_by_ctrl_c, setup),
        cmocka_unit_test_setup(events_say_what_to_do, setup),
        cmocka_unit_test_setup(a_line_has_an_end, setup),
        cmocka_unit_test_setup(text_is_inserted_at_the_cursor, setup),
        cmocka_unit_test_setup(history_is_walked, setup),
        cmocka_unit_test_setup(history_forgets_the_oldest, setup),
        cmocka_unit_test_setup(nothing_breaks_it, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
