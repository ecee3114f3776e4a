/* SPDX-License-Identifier: MIT */
/*
 * test_text: the grid as a reader of the screen sees it, and that no byte sequence breaks it.
 */
#include "drivers/text.h"

#include <stdio.h>

#include "support.h"

static struct text text;

static void put(const char *s)
{
    while (*s != '\0')
        text_put(&text, (uint8_t)*s++);
}

/* The row as a string, blanks as spaces, those at its end cut off. */
static const char *row(uint32_t index)
{
    static char line[TEXT_COLUMNS_MAX + 1];
    size_t end = 0;

    for (uint32_t i = 0; i < text.columns; i++) {
        uint8_t character = text_row(&text, index)->cells[i] & (TEXT_ACCENT - 1);
        line[i] = character == 0 ? ' ' : (char)character;
        if (character != 0)
            end = i + 1;
    }
    line[end] = '\0';
    return line;
}

static uint32_t accents(uint32_t index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < text.columns; i++)
        count += (text_row(&text, index)->cells[i] & TEXT_ACCENT) != 0;
    return count;
}

/* One look, and what it found is right. */
static enum text_look look(void)
{
    uint32_t index = 0;
    uint8_t cell = 0;
    const enum text_look look = text_next_change(&text, &index, &cell);

    if (look == TEXT_CHANGE) {
        assert_true(index < text.columns * text.rows);
        assert_int_equal(cell, text_row(&text, index / text.columns)->cells[index % text.columns]);
    }
    return look;
}

/* Draws everything that changed; returns how many cells that were. */
static uint32_t draw(void)
{
    uint32_t count = 0, rows = 0;
    enum text_look found;

    while ((found = look()) != TEXT_DRAWN) {
        count += found == TEXT_CHANGE;
        rows += found == TEXT_SAME;
        assert_true(rows <= text.rows);
    }
    for (uint32_t row = 0; row < text.rows; row++)
        assert_memory_equal(text_row(&text, row), &text.drawn[row], sizeof(union text_row));
    return count;
}

static void lines_follow_each_other(void **state)
{
    (void)state;
    text_init(&text, 40, 8);
    put("one\ntwo\n\nfour");
    assert_string_equal(row(0), "one");
    assert_string_equal(row(1), "two");
    assert_string_equal(row(2), "");
    assert_string_equal(row(3), "four");
    assert_int_equal(text.row, 3);
    assert_int_equal(text.column, 4);
}

static void control_characters_move_the_cursor(void **state)
{
    (void)state;
    text_init(&text, 40, 8);
    put("abc\rX\n1\t2\t\t3\nab\bc\n\b\bd\a\v\f");
    assert_string_equal(row(0), "Xbc");
    assert_string_equal(row(1), "1       2               3");
    assert_string_equal(row(2), "ac");
    assert_string_equal(row(3), "d");
    text_init(&text, 10, 2);
    put("\t\t\t\tx"); /* a tab stops at the line's end; the next character wraps */
    assert_string_equal(row(0), "");
    assert_string_equal(row(1), "x");
}

static void long_lines_wrap_and_full_lines_do_not(void **state)
{
    (void)state;
    text_init(&text, 4, 4);
    put("abcd\nefghij");
    assert_string_equal(row(0), "abcd");
    assert_string_equal(row(1), "efgh");
    assert_string_equal(row(2), "ij");
}

static void the_top_line_scrolls_away(void **state)
{
    (void)state;
    text_init(&text, 8, 3);
    put("1\n2\n3\n4");
    assert_string_equal(row(0), "2");
    assert_string_equal(row(2), "4");
    put("\n");
    assert_string_equal(row(1), "4");
    assert_string_equal(row(2), "");
    text_init(&text, 1, 1);
    put("abc");
    assert_string_equal(row(0), "c");
}

/* Wherever the ring's top is; the status line stays. */
static void a_cleared_text_begins_at_the_top(void **state)
{
    (void)state;
    text_init(&text, 8, 3);
    text_set_status(&text, "status");
    put("1\n2\n3\n[4");
    (void)draw();
    text_clear(&text);
    assert_int_equal(draw(), 3);
    assert_string_equal(row(0), "");
    assert_string_equal(row(1), "");
    assert_string_equal(row(2), "status");
    put("new");
    assert_string_equal(row(0), "new");
    assert_int_equal(accents(0), 0);
    put("\n2\n3");
    assert_string_equal(row(0), "2");
}

static void only_changed_cells_are_drawn(void **state)
{
    (void)state;
    text_init(&text, 40, 3);
    assert_int_equal(draw(), 0);
    put("same\nsame\nsame");
    assert_int_equal(draw(), 12);
    assert_int_equal(draw(), 0);
    put("\nsame"); /* scrolls, and looks exactly as before */
    assert_int_equal(draw(), 0);
    put("\rsane");
    assert_int_equal(draw(), 1);
    put("\rlonger\rlanger");     /* what is overwritten before it is drawn is not drawn */
    assert_int_equal(draw(), 4); /* "an" stood there */
}

static void the_speaker_is_marked(void **state)
{
    (void)state;
    text_init(&text, 40, 6);
    put("[clock] [x] tick\n");
    put("no [name] here\n");
    put("[open\n");
    put("plain");
    assert_int_equal(accents(0), 7);
    assert_int_equal(accents(1), 0);
    assert_int_equal(accents(2), 5);
    assert_int_equal(accents(3), 0);
    text_init(&text, 4, 4);
    put("abcd[x]"); /* a wrapped line does not begin */
    assert_int_equal(accents(1), 0);
}

/* Steps, not time: how many rows are looked at after one more line, or one more character. */
static uint32_t looks(const char *more)
{
    uint32_t count = 0;

    (void)draw();
    put(more);
    while (look() != TEXT_DRAWN)
        count++;
    return count;
}

static void little_is_looked_at(void **state)
{
    (void)state;
    text_init(&text, TEXT_COLUMNS_MAX, TEXT_ROWS_MAX);
    assert_int_equal(looks("x"), 2);      /* the cell, and the row once more */
    assert_int_equal(looks("\ny\nz"), 4); /* two rows */
    for (uint32_t i = 0; i < TEXT_ROWS_MAX; i++)
        put("\n");
    assert_int_equal(looks("\n"), TEXT_ROWS_MAX); /* scrolled: each row, once */
    assert_int_equal(looks("x"), 2);
}

/* Lines that come faster than they are drawn: each row gets its turn, and what was shown before is
 * not what stands there for ever. */
static void a_flood_leaves_no_row_out(void **state)
{
    char line[16];
    bool drawn[20] = {false};

    (void)state;
    text_init(&text, 40, 20);
    for (uint32_t i = 0; i < 400; i++) {
        (void)snprintf(line, sizeof(line), "\nline %03u", i);
        put(line);
        for (uint32_t cells = 0; cells < 10; cells++) {
            if (look() != TEXT_DRAWN && i > 50)
                drawn[text.look] = true;
        }
    }
    for (uint32_t row = 0; row < ARRAY_SIZE(drawn); row++)
        assert_true(drawn[row]);
    (void)draw();
}

static void utf8_becomes_question_marks(void **state)
{
    (void)state;
    text_init(&text, 40, 8);
    put("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xa2\x7f|");
    assert_string_equal(row(0), "caf? ? ?|");
}

static void the_status_line_stays(void **state)
{
    (void)state;
    text_init(&text, 10, 4);
    put("one\ntwo\nthree\nfour");
    text_set_status(&text, "all is well and long");
    assert_string_equal(row(0), "two"); /* made room */
    assert_string_equal(row(2), "four");
    assert_string_equal(row(3), "all is wel");
    assert_int_equal(accents(3), 8);
    put("4\nfive\nsix");
    assert_string_equal(row(0), "four4");
    assert_string_equal(row(2), "six");
    assert_string_equal(row(3), "all is wel");
    (void)draw();
    text_set_status(&text, "all\x1b[2J");
    assert_string_equal(row(3), "all [2J");
    assert_int_equal(draw(), 6); /* "[2J" over "is ", and "wel" went */
    text_set_status(&text, "");
    assert_string_equal(row(3), "");
    text_init(&text, 10, 4);
    put("one");
    text_set_status(&text, "x"); /* there is room already */
    assert_string_equal(row(0), "one");
    text_init(&text, 10, 1);
    text_set_status(&text, "x"); /* no room for both */
    put("only");
    assert_string_equal(row(0), "only");
}

/* Somebody else draws there meanwhile. */
static void hidden_rows_come_back(void **state)
{
    (void)state;
    text_init(&text, 10, 4);
    text_set_status(&text, "status");
    put("one\ntwo");
    (void)draw();
    text_hide(&text);
    assert_string_equal(row(0), "");
    assert_string_equal(row(3), "status");
    assert_int_equal(draw(), 6); /* both are gone */
    text_set_status(&text, "state");
    assert_int_equal(draw(), 2); /* "e" and a blank over "us" */
    text_show(&text);
    assert_string_equal(row(1), "two");
    assert_int_equal(draw(), 3 * 10); /* each cell, blanks too */
    put(" more");
    assert_string_equal(row(1), "two more");
    assert_int_equal(draw(), 4);
}

static void no_bytes_break_the_grid(void **state)
{
    static const uint32_t sizes[][2] = {
        {1, 1}, {1, TEXT_ROWS_MAX}, {TEXT_COLUMNS_MAX, 1}, {TEXT_COLUMNS_MAX, TEXT_ROWS_MAX},
        {7, 5},
    };
    uint64_t seed = 1;

    (void)state;
    for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
        text_init(&text, sizes[s][0], sizes[s][1]);
        for (int i = 0; i < 100000; i++) {
            uint64_t r = random_next(&seed);
            if (i == 50000)
                text_set_status(&text, "a status line");
            text_put(&text, (uint8_t)(r % 3 == 0 ? r >> 8 & 0x1f : r >> 8));
            assert_true(text.column <= text.columns && text.row < text.rows);
            if (r >> 56 == 0)
                (void)draw();
        }
        for (uint32_t i = 0; i < text.rows * TEXT_COLUMNS_MAX; i++) {
            const union text_row *cells = text_row(&text, i / TEXT_COLUMNS_MAX);
            uint8_t character = cells->cells[i % TEXT_COLUMNS_MAX] & 0x7f;
            assert_true(character == 0 || (character > 0x20 && character < 0x7f));
        }
    }
}

static void impossible_sizes_are_our_bug(void **state)
{
    (void)state;
    expect_assert_failure(text_init(&text, 0, 1));
    expect_assert_failure(text_init(&text, 1, 0));
    expect_assert_failure(text_init(&text, TEXT_COLUMNS_MAX + 1, 1));
    expect_assert_failure(text_init(&text, 1, TEXT_ROWS_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_follow_each_other),
        cmocka_unit_test(control_characters_move_the_cursor),
        cmocka_unit_test(long_lines_wrap_and_full_lines_do_not),
        cmocka_unit_test(the_top_line_scrolls_away),
        cmocka_unit_test(a_cleared_text_begins_at_the_top),
        cmocka_unit_test(only_changed_cells_are_drawn),
        cmocka_unit_test(the_speaker_is_marked),
        cmocka_unit_test(little_is_looked_at),
        cmocka_unit_test(a_flood_leaves_no_row_out),
        cmocka_unit_test(utf8_becomes_question_marks),
        cmocka_unit_test(the_status_line_stays),
        cmocka_unit_test(hidden_rows_come_back),
        cmocka_unit_test(no_bytes_break_the_grid),
        cmocka_unit_test(impossible_sizes_are_our_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
