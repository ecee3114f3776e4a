/* SPDX-License-Identifier: MIT */
#include "drivers/vt_grid.h"

#include "lib/assert.h"
#include "lib/string.h"

_Static_assert(VT_GRID_ROWS <= 32, "stale has a bit for each");

void vt_grid_init(struct vt_grid *g, uint32_t columns, uint32_t rows)
{
    ASSERT(columns >= 1 && rows >= 1);
    memset(g, 0, sizeof(*g));
    g->columns = vt_grid_limit(columns, VT_GRID_COLUMNS);
    g->rows = vt_grid_limit(rows, VT_GRID_ROWS);
    g->bottom = g->rows - 1;
    for (uint32_t row = 0; row < VT_GRID_ROWS; row++)
        g->order[row] = (uint8_t)row;
}

/* ------------------------------------------------------------------ rows and cells */

static uint16_t vt_grid_make_cell(const struct vt_grid_pen *pen, uint32_t character)
{
    const uint32_t bright = pen->bold && pen->foreground < 8 ? 8 : 0;
    const uint32_t fore = pen->foreground + bright, back = pen->background;

    return (uint16_t)(character | (pen->inverse ? back << 8 | fore << 12 : fore << 8 | back << 12));
}

/* What erasing leaves: the background, not turned round. */
static uint16_t vt_grid_blank(const struct vt_grid *g)
{
    struct vt_grid_pen pen = g->cursor.pen;

    pen.inverse = pen.bold = false;
    return vt_grid_make_cell(&pen, ' ');
}

static void vt_grid_touch(struct vt_grid *g, uint32_t row)
{
    g->stale |= UINT32_C(1) << row;
    if (row == g->look)
        g->look_column = 0;
}

/* Its cells, to be written. */
static uint16_t *vt_grid_row(struct vt_grid *g, uint32_t row)
{
    const uint32_t at = g->order[row];
    const uint16_t blank = g->blank[at];

    vt_grid_touch(g, row);
    for (uint32_t column = 0; blank != 0 && column < g->columns; column++)
        g->cells[at][column] = blank;
    g->blank[at] = 0;
    return g->cells[at];
}

void vt_grid_erase(struct vt_grid *g, uint32_t row, uint32_t from, uint32_t to)
{
    const uint16_t blank = vt_grid_blank(g);

    if (from == 0 && to == g->columns) {
        g->blank[g->order[row]] = blank;
        vt_grid_touch(g, row);
        return;
    }
    uint16_t *cells = vt_grid_row(g, row);
    for (uint32_t column = from; column < to; column++)
        cells[column] = blank;
}

void vt_grid_erase_rows(struct vt_grid *g, uint32_t from, uint32_t to)
{
    const uint16_t blank = vt_grid_blank(g);

    for (uint32_t row = from; row < to; row++) {
        g->blank[g->order[row]] = blank;
        vt_grid_touch(g, row);
    }
}

void vt_grid_roll(struct vt_grid *g, uint32_t first, uint32_t last, uint32_t count, bool up)
{
    const uint32_t rows = last - first + 1, by = vt_grid_limit(count, rows);
    uint8_t before[VT_GRID_ROWS];

    memcpy(before, g->order, sizeof(before));
    for (uint32_t i = 0, from = up ? by : rows - by; i < rows; i++, from++) {
        from = from < rows ? from : 0;
        g->order[first + i] = before[first + from];
        vt_grid_touch(g, first + i);
    }
    if (up)
        vt_grid_erase_rows(g, last + 1 - by, last + 1);
    else
        vt_grid_erase_rows(g, first, first + by);
}

void vt_grid_shift(struct vt_grid *g, uint32_t count, bool right)
{
    const uint32_t at = vt_grid_limit(g->cursor.column, g->columns - 1);
    const uint32_t by = vt_grid_limit(count, g->columns - at), rest = g->columns - at - by;
    uint16_t *cells = vt_grid_row(g, g->cursor.row) + at;

    memmove(right ? cells + by : cells, right ? cells : cells + by, rest * sizeof(*cells));
    vt_grid_erase(g, g->cursor.row, right ? at : at + rest, right ? at + by : g->columns);
}

/* ------------------------------------------------------------------ the cursor */

void vt_grid_move(struct vt_grid *g, uint32_t row, uint32_t column)
{
    g->cursor.row = vt_grid_limit(row, g->rows - 1);
    g->cursor.column = vt_grid_limit(column, g->columns - 1);
}

void vt_grid_move_up(struct vt_grid *g, uint32_t count)
{
    const uint32_t first = g->cursor.row >= g->top ? g->top : 0;

    vt_grid_move(g, g->cursor.row - vt_grid_limit(count, g->cursor.row - first), g->cursor.column);
}

void vt_grid_move_down(struct vt_grid *g, uint32_t count)
{
    const uint32_t last = g->cursor.row <= g->bottom ? g->bottom : g->rows - 1;

    vt_grid_move(g, g->cursor.row + vt_grid_limit(count, last - g->cursor.row), g->cursor.column);
}

void vt_grid_next_row(struct vt_grid *g)
{
    if (g->cursor.row == g->bottom)
        vt_grid_roll(g, g->top, g->bottom, 1, true);
    else
        g->cursor.row = vt_grid_limit(g->cursor.row + 1, g->rows - 1);
}

void vt_grid_previous_row(struct vt_grid *g)
{
    if (g->cursor.row == g->top)
        vt_grid_roll(g, g->top, g->bottom, 1, false);
    else if (g->cursor.row > 0)
        g->cursor.row--;
}

/* ------------------------------------------------------------------ characters */

/* DEC's line drawing, from 0x60 on. */
static const char vt_grid_graphics[] = "+#    o+  +++++-----++++|<>*!#.";

_Static_assert(sizeof(vt_grid_graphics) == 0x7f - 0x60 + 1, "one for each");

/* What stands for it in ASCII; 0: it takes no column. */
static uint32_t vt_grid_shape(const struct vt_grid_pen *pen, uint32_t code)
{
    if (code >= 0x60 && code < 0x7f && pen->graphics[pen->shift])
        return (uint8_t)vt_grid_graphics[code - 0x60];
    if (code >= 0x20 && code < 0x7f)
        return code;
    if (code == 0xa0)
        return ' ';
    if ((code >= 0x300 && code < 0x370) || (code >= 0x200b && code < 0x2010) || code == 0xfeff)
        return 0;                          /* combining marks, and what is invisible */
    if (code >= 0x2500 && code < 0x2580) { /* box drawing */
        const bool horizontal = code <= 0x2501 || code == 0x2550;
        return horizontal ? '-' : code <= 0x2503 || code == 0x2551 ? '|' : '+';
    }
    return code >= 0x2580 && code < 0x25a0 ? '#' : '?'; /* block elements */
}

void vt_grid_print(struct vt_grid *g, uint32_t code)
{
    struct vt_grid_cursor *c = &g->cursor;
    const uint32_t shape = vt_grid_shape(&c->pen, code);

    if (shape == 0)
        return;
    if (c->column == g->columns && g->wraps) {
        c->column = 0;
        vt_grid_next_row(g);
    }
    if (g->inserts)
        vt_grid_shift(g, 1, true);
    c->column = vt_grid_limit(c->column, g->columns - 1);
    vt_grid_row(g, c->row)[c->column++] = vt_grid_make_cell(&c->pen, shape);
}

void vt_grid_control(struct vt_grid *g, uint32_t code)
{
    struct vt_grid_cursor *c = &g->cursor;
    const uint32_t column = vt_grid_limit(c->column, g->columns - 1);

    switch (code) {
    case '\b':
        c->column = column > 0 ? column - 1 : 0;
        break;
    case '\t':
        c->column = vt_grid_limit((column / TEXT_TAB + 1) * TEXT_TAB, g->columns - 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        vt_grid_next_row(g);
        break;
    case '\r':
        c->column = 0;
        break;
    case 0x0e: /* SO, SI */
    case 0x0f:
        c->pen.shift = code == 0x0e;
        break;
    default:
        break;
    }
}

/* ------------------------------------------------------------------ drawing */

void vt_grid_touch_cursor(struct vt_grid *g)
{
    vt_grid_touch(g, g->cursor.row);
}

uint16_t vt_grid_cell(const struct vt_grid *g, uint32_t row, uint32_t column)
{
    const uint32_t at = g->order[row];
    const uint32_t cell = g->blank[at] != 0 ? g->blank[at] : g->cells[at][column];

    if (!g->shows_cursor || row != g->cursor.row ||
        column != vt_grid_limit(g->cursor.column, g->columns - 1))
        return (uint16_t)cell;
    return (uint16_t)(VT_GRID_CHARACTER(cell) | VT_GRID_BACKGROUND(cell) << 8 |
                      VT_GRID_FOREGROUND(cell) << 12);
}

/* From where the last look ended in this row. */
static bool vt_grid_find_change(struct vt_grid *g, uint32_t *column, uint16_t *cell)
{
    uint16_t *drawn = g->drawn[g->look];

    for (uint32_t at = g->look_column; at < g->columns; at++) {
        const uint16_t want = vt_grid_cell(g, g->look, at);
        if (want == drawn[at])
            continue;
        drawn[at] = *cell = want;
        *column = at;
        g->look_column = at + 1;
        return true;
    }
    return false;
}

enum text_look vt_grid_next_change(struct vt_grid *g, uint32_t *row, uint32_t *column,
                                   uint16_t *cell)
{
    if (g->stale == 0)
        return TEXT_DRAWN;
    *row = g->look;
    if ((g->stale >> g->look & 1) != 0) {
        if (vt_grid_find_change(g, column, cell))
            return TEXT_CHANGE;
        g->stale &= ~(UINT32_C(1) << g->look);
    }
    g->look = g->look + 1 < g->rows ? g->look + 1 : 0;
    g->look_column = 0;
    return TEXT_SAME;
}
