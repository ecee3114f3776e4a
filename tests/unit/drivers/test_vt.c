/* SPDX-License-Identifier: MIT */
/*
 * test_vt: what stands on a small terminal after bytes of all kinds, as a table for each thing that
 * it knows; that everything else leaves nothing; and that no bytes break it.
 */
#include "drivers/vt.h"

#include <stdio.h>

#include "drivers/vt_colour.h"
#include "support.h"

#define COLUMNS 10
#define ROWS    4

static struct vt vt;

static void put(const char *bytes)
{
    for (; *bytes; bytes++)
        vt_put(&vt, (uint8_t)*bytes);
}

static void begin(const char *bytes)
{
    vt_init(&vt, COLUMNS, ROWS);
    put(bytes);
}

/* The rows joined by '/', without blanks at the end of a row and without empty rows at the end. */
static const char *shown(void)
{
    static char text[(VT_GRID_COLUMNS + 1) * VT_GRID_ROWS + 1];
    uint32_t len = 0;

    for (uint32_t row = 0; row < vt.grid.rows; row++) {
        if (row > 0)
            text[len++] = '/';
        uint32_t end = len;
        for (uint32_t column = 0; column < vt.grid.columns; column++) {
            const uint16_t cell = vt_grid_cell(&vt.grid, row, column);
            text[len++] = (char)VT_GRID_CHARACTER(cell);
            if (text[len - 1] != ' ')
                end = len;
        }
        len = end;
    }
    while (len > 0 && text[len - 1] == '/')
        len--;
    text[len] = '\0';
    return text;
}

static void what_stands_there(void **state)
{
    static const struct {
        const char *bytes, *want;
    } rows[] = {
        /* text and controls */
        {"abc\r\ndef", "abc/def"},
        {"abc\ndef", "abc/   def"},
        {"abc\rX", "Xbc"},
        {"abc\b\bX", "aXc"},
        {"\b\bX", "X"},
        {"a\tb", "a       b"},
        {"a\t\t\tb", "a        b"},
        {"a\vb\fc", "a/ b/  c"},
        {"a\x07\x01\177b", "ab"},
        {"0123456789ab", "0123456789/ab"},
        {"0123456789\r\nab", "0123456789/ab"}, /* a full row alone does not wrap */
        {"0123456789\bX", "01234567X9"},
        {"1\r\n2\r\n3\r\n4\r\n5", "2/3/4/5"},
        {"\x1b[?7l0123456789abX", "012345678X"},
        /* what has no glyph */
        {"\xc3\xa9\xe2\x94\x80\xe2\x94\x82\xe2\x94\x8c\xe2\x96\x88", "?-|+#"},
        {"\xff\xc3x", "??x"},
        {"e\xcc\x81x", "ex"}, /* a combining mark */
        {"a\xc2\240b", "a b"},
        {"\x1b(0lqkx\x1b(Bx", "+-+|x"},
        {"\x1b)0q\x0eq\x0fq", "q-q"},
        /* the cursor */
        {"\x1b[2;3HX", "/  X"},
        {"\x1b[2;3fX", "/  X"},
        {"\x1b[99;99HX", "///         X"},
        {"\x1b[0;0HX", "X"},
        {"\x1b[3;3H\x1b[AX\x1b[BY", "/  X/   Y"},
        {"\x1b[3;3H\x1b[9AX", "  X"},
        {"\x1b[3;3H\x1b[9BX", "///  X"},
        {"\x1b[2CX\x1b[3DY", "Y X"},
        {"\x1b[2C\x1b[9DX\x1b[99CY", "X        Y"},
        {"\x1b[2;3H\x1b[EX\x1b[2FY", "Y//X"},
        {"ab\x1b[5GX\x1b[3dY", "ab  X//     Y"},
        {"ab\0337\x1b[3;3HX\0338Y", "abY//  X"},
        {"ab\x1b[s\x1b[3;3HX\x1b[uY", "abY//  X"},
        {"a\033Db\033Ec", "a/ b/c"},
        {"a\x1b[2;2H\x1bMb", "ab"},
        {"1\r\n2\x1b[H\x1bM0", "0/1/2"},
        /* erasing */
        {"abc\r\ndef\x1b[1;2H\x1b[J", "a"},
        {"abc\r\ndef\x1b[2;2H\x1b[1J", "/  f"},
        {"abc\r\ndef\x1b[2JX", "/   X"},
        {"abcdef\x1b[1;3H\x1b[K", "ab"},
        {"abcdef\x1b[1;3H\x1b[1K", "   def"},
        {"abcdef\r\nx\x1b[1;3H\x1b[2K", "/x"},
        {"abcdef\x1b[1;3H\x1b[2X", "ab  ef"},
        {"abcdef\x1b[1;3H\x1b[99X", "ab"},
        {"abc\x1b[7J\x1b[7K", "abc"},
        /* inserting and deleting */
        {"abcdef\x1b[1;3H\x1b[2PX", "abXf"},
        {"abcdef\x1b[1;3H\x1b[99P", "ab"},
        {"abcdef\x1b[1;3H\x1b[2@X", "abX cdef"},
        {"0123456789\x1b[1;3H\x1b[2@", "01  234567"},
        {"abc\x1b[1;2H\x1b[4hX\x1b[4lY", "aXYc"},
        {"1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[L", "1//2/3"},
        {"1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[2M", "1/4"},
        {"1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[99L", "1"},
        {"1\r\n2\r\n3\r\n4\x1b[S", "2/3/4"},
        {"1\r\n2\r\n3\r\n4\x1b[2T", "//1/2"},
        /* a region that scrolls */
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\n5", "1/3/5/4"},
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[2;1H\x1bM5", "1/5/2/4"},
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[2;1H\x1b[L", "1//2/4"},
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[4;1H\n\nX", "1/2/3/X"},  /* below it nothing scrolls */
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[4;1H\x1b[L", "1/2/3/4"}, /* nor does this */
        {"\x1b[2;3r\x1b[2;1H\x1b[9AX\x1b[9BY", "/X/ Y"},         /* it holds the cursor */
        {"1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[r\x1b[4;1H\n5", "2/3/4/5"},
        {"1\r\n2\x1b[3;2r\x1b[2;9rX", "1/2X"}, /* none of these is one */
        /* modes */
        {"abc\x1b[?1049hX\x1b[?1049lY", "   Y"},
        {"abc\x1b[?47hX", "   X"},
        {"\x1b[?7l\x1b[4h\x1b[2;3r\x1b(0\x1b[!pq", "q"},
        {"abc\033cX", "X"},
        /* left out whole */
        {"a\x1b[cb\x1b[6nc\x1b[?5nd\005e", "abcde"},
        {"a\x1b]0;title\007b\x1b]0;title\x1b\\c\x1bP1$r\x1b\\d\x1b_x\x1b\\e", "abcde"},
        {"a\x1b[?2004h\x1b[>4;2m\x1b[=1u\x1b[2 q\x1b%Gb", "ab"},
        {"a\x1b[9999999999999999999;1zb\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18mc", "abc"},
        {"a\x1b[3\030b\x1b]x\032c", "abc"},
        {"a\23331mb\x84\x85", "ab"},
        {"\x1b]never ended\nX", "/X"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin(rows[i].bytes);
        if (strcmp(shown(), rows[i].want) != 0)
            fail_msg("row %zu: '%s' instead of '%s'", i, shown(), rows[i].want);
    }
}

#define LOOK(fore, back) ((fore) | (back) << 4)

static void colours(void **state)
{
    static const struct {
        const char *bytes;
        uint8_t want;
    } rows[] = {
        {"X", LOOK(7, 0)},
        {"\x1b[31mX", LOOK(1, 0)},
        {"\x1b[31;44mX", LOOK(1, 4)},
        {"\x1b[1;31mX", LOOK(9, 0)},
        {"\x1b[1;31;22mX", LOOK(1, 0)},
        {"\x1b[95;106mX", LOOK(13, 14)},
        {"\x1b[7mX", LOOK(0, 7)},
        {"\x1b[31;7mX", LOOK(0, 1)},
        {"\x1b[7;27mX", LOOK(7, 0)},
        {"\x1b[31;44;39;49mX", LOOK(7, 0)},
        {"\x1b[1;7;31;44m\x1b[mX", LOOK(7, 0)},
        {"\x1b[31;0mX", LOOK(7, 0)},
        {"\x1b[38;5;9mX", LOOK(9, 0)},
        {"\x1b[48;5;15;1mX", LOOK(15, 15)},
        {"\x1b[38;5;231;44mX", LOOK(15, 4)},
        {"\x1b[38;5;232mX", LOOK(0, 0)},
        {"\x1b[38;2;255;255;255mX", LOOK(15, 0)},
        {"\x1b[38;2;190;80;80mX", LOOK(1, 0)},
        {"\x1b[48;2;0;0;0;32mX", LOOK(2, 0)},
        {"\x1b[38;7mX", LOOK(7, 0)}, /* of no kind */
        {"\x1b[38mX", LOOK(7, 0)},
        {"\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;38;5;9mX", LOOK(15, 0)}, /* cut off */
        {"\x1b[?31mX", LOOK(7, 0)},
        {"\x1b[>31mX", LOOK(7, 0)},
        {"\x1b[31!mX", LOOK(7, 0)},
        {"\x1b[31m\x1b[?1049h\x1b[HX", LOOK(1, 0)},
        {"\0337\x1b[31m\0338X", LOOK(7, 0)},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        begin("\x1b[?25l");
        put(rows[i].bytes);
        const uint16_t cell = vt_grid_cell(&vt.grid, 0, 0);
        assert_int_equal(VT_GRID_CHARACTER(cell), 'X');
        if (cell >> 8 != rows[i].want)
            fail_msg("row %zu: %x instead of %x", i, cell >> 8, rows[i].want);
    }
}

/* With the colour that is set, but not turned round. */
static void erasing_leaves_the_background(void **state)
{
    (void)state;
    begin("\x1b[41;7m\x1b[2J\x1b[?25l");
    assert_int_equal(VT_GRID_BACKGROUND(vt_grid_cell(&vt.grid, 3, 9)), 1);
    begin("\x1b[42m\x1b[4;1H\n\x1b[?25l");
    assert_int_equal(VT_GRID_BACKGROUND(vt_grid_cell(&vt.grid, 3, 9)), 2);
    assert_int_equal(VT_GRID_BACKGROUND(vt_grid_cell(&vt.grid, 2, 9)), 0);
}

static void the_cursor_is_a_cell_turned_round(void **state)
{
    (void)state;
    begin("ab\b");
    assert_int_equal(vt_grid_cell(&vt.grid, 0, 1), 'b' | 0 << 8 | 7 << 12);
    assert_int_equal(vt_grid_cell(&vt.grid, 0, 0), 'a' | 7 << 8);
    put("\x1b[?25l");
    assert_int_equal(vt_grid_cell(&vt.grid, 0, 1), 'b' | 7 << 8);
    put("\x1b[?25h\x1b[1;9Hxy"); /* behind the last column: on it */
    assert_int_equal(vt_grid_cell(&vt.grid, 0, 9), 'y' | 0 << 8 | 7 << 12);
}

static uint16_t drawn[VT_GRID_ROWS][VT_GRID_COLUMNS];

/* Draws all that changed; returns how much that was. */
static uint32_t draw(void)
{
    uint32_t row, column, count = 0;
    uint16_t cell;

    for (;;) {
        const enum text_look look = vt_grid_next_change(&vt.grid, &row, &column, &cell);
        if (look == TEXT_DRAWN)
            return count;
        if (look == TEXT_CHANGE) {
            drawn[row][column] = cell;
            count++;
        }
    }
}

static void expect_drawn(void)
{
    for (uint32_t row = 0; row < vt.grid.rows; row++) {
        for (uint32_t column = 0; column < vt.grid.columns; column++)
            assert_int_equal(drawn[row][column], vt_grid_cell(&vt.grid, row, column));
    }
}

static void what_changed_is_drawn(void **state)
{
    (void)state;
    begin("");
    assert_int_equal(draw(), COLUMNS * ROWS);
    expect_drawn();
    assert_int_equal(draw(), 0);
    put("a");
    assert_int_equal(draw(), 2); /* and the cursor */
    put("\x1b[4;10H");
    assert_int_equal(draw(), 2);
    put("\r\nb");
    (void)draw();
    expect_drawn();
}

/* Whatever comes: the cursor is inside, cells are ASCII, each row is there once, and drawing what
 * changed draws all. */
static void nothing_breaks_it(void **state)
{
    static const char often[] = "\x1b\x1b[[[?;;0123456789ABCDEFGHJKLMPSTXdfhlmrsu@'!\n\r\t\b78Mcx";
    uint64_t seed = 1;

    (void)state;
    begin("");
    for (uint32_t i = 0; i < 300000; i++) {
        const uint64_t r = random_next(&seed);
        vt_put(&vt, r & 0xf00 ? (uint8_t)often[r % (sizeof(often) - 1)] : (uint8_t)r);
        assert_true(vt.grid.cursor.row < ROWS && vt.grid.cursor.column <= COLUMNS);
        assert_true(vt.grid.top < vt.grid.bottom && vt.grid.bottom < ROWS);
        if (i % 64 != 0)
            continue;
        uint32_t seen = 0;
        for (uint32_t row = 0; row < ROWS; row++)
            seen |= UINT32_C(1) << vt.grid.order[row];
        assert_int_equal(seen, (1 << ROWS) - 1);
        (void)draw();
        expect_drawn();
        for (uint32_t row = 0; row < ROWS; row++) {
            for (uint32_t column = 0; column < COLUMNS; column++)
                assert_in_range(VT_GRID_CHARACTER(drawn[row][column]), 0x20, 0x7e);
        }
    }
}

static void nearest_colours(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 16; i++) {
        assert_int_equal(vt_colour_of_256(i), i);
        assert_int_equal(vt_colour_nearest(vt_colour_palette[i]), i);
    }
    assert_int_equal(vt_colour_of_256(16), 0);
    assert_int_equal(vt_colour_of_256(231), 15);
    assert_int_equal(vt_colour_of_256(255), 15);
    assert_int_equal(vt_colour_of_256(9999), VT_COLOUR_FOREGROUND);
}

/* At most 24 x 80, whatever the screen has. */
static void its_size(void **state)
{
    (void)state;
    vt_init(&vt, 240, 135);
    assert_int_equal(vt.grid.columns, 80);
    assert_int_equal(vt.grid.rows, 24);
    vt_init(&vt, 40, 7);
    assert_int_equal(vt.grid.columns, 40);
    assert_int_equal(vt.grid.rows, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_there),
        cmocka_unit_test(colours),
        cmocka_unit_test(erasing_leaves_the_background),
        cmocka_unit_test(the_cursor_is_a_cell_turned_round),
        cmocka_unit_test(what_changed_is_drawn),
        cmocka_unit_test(nothing_breaks_it),
        cmocka_unit_test(nearest_colours),
        cmocka_unit_test(its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
