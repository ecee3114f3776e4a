/* SPDX-License-Identifier: MIT */
#include "drivers/vt.h"

#include "drivers/vt_colour.h"
#include "lib/bits.h"
#include "lib/string.h"

#define PARAMETER_MAX 9999

/* ------------------------------------------------------------------ modes */

static void vt_restore_cursor(struct vt *vt)
{
    vt->grid.cursor = vt->saved;
    vt_grid_move(&vt->grid, vt->grid.cursor.row, vt->grid.cursor.column);
}

/* DECSTR: all but what stands there. */
static void vt_reset_modes(struct vt *vt)
{
    vt->grid.top = 0;
    vt->grid.bottom = vt->grid.rows - 1;
    vt->grid.wraps = vt->grid.shows_cursor = true;
    vt->grid.inserts = false;
    vt->grid.cursor.pen = (struct vt_grid_pen){.foreground = VT_COLOUR_FOREGROUND};
    vt->saved = (struct vt_grid_cursor){.pen = vt->grid.cursor.pen};
}

static void vt_reset(struct vt *vt)
{
    vt_reset_modes(vt);
    vt_grid_erase_rows(&vt->grid, 0, vt->grid.rows);
    vt_grid_move(&vt->grid, 0, 0);
}

/* DEC's private modes. */
static void vt_set_mode(struct vt *vt, uint32_t mode, bool on)
{
    switch (mode) {
    case 7:
        vt->grid.wraps = on;
        break;
    case 25:
        vt->grid.shows_cursor = on;
        break;
    case 1049:
        if (on)
            vt->saved = vt->grid.cursor;
        vt_grid_erase_rows(&vt->grid, 0, vt->grid.rows);
        if (!on)
            vt_restore_cursor(vt);
        break;
    case 47:
    case 1047:
        vt_grid_erase_rows(&vt->grid, 0, vt->grid.rows);
        break;
    default:
        break;
    }
}

static void vt_set_modes(struct vt *vt, bool on)
{
    for (uint32_t i = 0; i <= vt->at && i < VT_PARAMETERS; i++) {
        if (vt->marker == '?')
            vt_set_mode(vt, vt->parameters[i], on);
        else if (vt->marker == 0 && vt->parameters[i] == 4)
            vt->grid.inserts = on;
    }
}

/* ------------------------------------------------------------------ sequences */

static void vt_erase_part(struct vt *vt, bool display)
{
    const uint32_t row = vt->grid.cursor.row,
                   column = vt_grid_limit(vt->grid.cursor.column, vt->grid.columns - 1);
    const uint32_t what = vt->parameters[0];

    if (what > (display ? 3 : 2))
        return;
    vt_grid_erase(&vt->grid, row, what == 0 ? column : 0,
                  what == 1 ? column + 1 : vt->grid.columns);
    if (display && what != 0)
        vt_grid_erase_rows(&vt->grid, 0, row);
    if (display && what != 1)
        vt_grid_erase_rows(&vt->grid, row + 1, vt->grid.rows);
}

/* DECSTBM */
static void vt_set_region(struct vt *vt)
{
    const uint32_t last = vt->parameters[1] ? vt->parameters[1] : vt->grid.rows;
    const uint32_t first = vt->parameters[0] ? vt->parameters[0] : 1;

    if (first >= last || last > vt->grid.rows)
        return;
    vt->grid.top = first - 1;
    vt->grid.bottom = last - 1;
    vt_grid_move(&vt->grid, 0, 0);
}

/* Of CSI, those that move the cursor; `n` is at least 1. False: it is none of them. */
static bool vt_csi_moves(struct vt *vt, uint32_t final, uint32_t n)
{
    const uint32_t second = vt->parameters[1] ? vt->parameters[1] - 1 : 0;
    struct vt_grid_cursor *c = &vt->grid.cursor;
    const uint32_t column = vt_grid_limit(c->column, vt->grid.columns - 1);

    switch (final) {
    case 'A':
    case 'F':
        vt_grid_move_up(&vt->grid, n);
        break;
    case 'B':
    case 'e':
    case 'E':
        vt_grid_move_down(&vt->grid, n);
        break;
    case 'C':
    case 'a':
        vt_grid_move(&vt->grid, c->row, column + n);
        break;
    case 'D':
        vt_grid_move(&vt->grid, c->row, column - vt_grid_limit(n, column));
        break;
    case 'G':
    case '`':
        vt_grid_move(&vt->grid, c->row, n - 1);
        break;
    case 'd':
        vt_grid_move(&vt->grid, n - 1, c->column);
        break;
    case 'H':
    case 'f':
        vt_grid_move(&vt->grid, n - 1, second);
        break;
    default:
        return false;
    }
    if (final == 'E' || final == 'F')
        c->column = 0;
    return true;
}

/* Those that change rows. */
static void vt_csi_changes(struct vt *vt, uint32_t final, uint32_t n)
{
    const uint32_t row = vt->grid.cursor.row,
                   column = vt_grid_limit(vt->grid.cursor.column, vt->grid.columns - 1);
    const bool in_region = row >= vt->grid.top && row <= vt->grid.bottom;

    switch (final) {
    case 'J':
    case 'K':
        vt_erase_part(vt, final == 'J');
        break;
    case 'X':
        vt_grid_erase(&vt->grid, row, column, vt_grid_limit(column + n, vt->grid.columns));
        break;
    case '@':
    case 'P':
        vt_grid_shift(&vt->grid, n, final == '@');
        break;
    case 'L':
    case 'M':
        if (in_region)
            vt_grid_roll(&vt->grid, row, vt->grid.bottom, n, final == 'M');
        break;
    case 'S':
    case 'T':
        vt_grid_roll(&vt->grid, vt->grid.top, vt->grid.bottom, n, final == 'S');
        break;
    default:
        break;
    }
}

/* The colour behind parameter `*at`, which is 38 or 48; moves on to its last one. */
static uint8_t vt_sgr_colour(const struct vt *vt, uint32_t *at)
{
    const uint32_t *p = vt->parameters + *at;
    const uint32_t left = VT_PARAMETERS - *at;

    if (left > 2 && p[1] == 5) {
        *at += 2;
        return vt_colour_of_256(p[2]);
    }
    if (left > 4 && p[1] == 2) {
        *at += 4;
        return vt_colour_nearest((p[2] & 0xff) << 16 | (p[3] & 0xff) << 8 | (p[4] & 0xff));
    }
    *at = VT_PARAMETERS;
    return VT_COLOUR_FOREGROUND;
}

/* One parameter of SGR that is a colour. */
static void vt_sgr_number(struct vt *vt, uint32_t p)
{
    struct vt_grid_pen *pen = &vt->grid.cursor.pen;

    if (p >= 30 && p <= 37)
        pen->foreground = (uint8_t)(p - 30);
    else if (p >= 90 && p <= 97)
        pen->foreground = (uint8_t)(p - 90 + 8);
    else if (p >= 40 && p <= 47)
        pen->background = (uint8_t)(p - 40);
    else if (p >= 100 && p <= 107)
        pen->background = (uint8_t)(p - 100 + 8);
    else if (p == 39)
        pen->foreground = VT_COLOUR_FOREGROUND;
    else if (p == 49)
        pen->background = VT_COLOUR_BACKGROUND;
}

static void vt_sgr(struct vt *vt)
{
    struct vt_grid_pen *pen = &vt->grid.cursor.pen;

    for (uint32_t i = 0; i <= vt->at && i < VT_PARAMETERS; i++) {
        const uint32_t p = vt->parameters[i];
        switch (p) {
        case 0:
            pen->foreground = VT_COLOUR_FOREGROUND;
            pen->background = VT_COLOUR_BACKGROUND;
            pen->bold = pen->inverse = false;
            break;
        case 1:
        case 22:
            pen->bold = p == 1;
            break;
        case 7:
        case 27:
            pen->inverse = p == 7;
            break;
        case 38:
            pen->foreground = vt_sgr_colour(vt, &i);
            break;
        case 48:
            pen->background = vt_sgr_colour(vt, &i);
            break;
        default:
            vt_sgr_number(vt, p);
        }
    }
}

static void vt_csi(struct vt *vt, uint32_t final)
{
    const uint32_t n = vt->parameters[0] ? vt->parameters[0] : 1;

    if (vt->intermediate != 0) {
        if (vt->intermediate == '!' && final == 'p')
            vt_reset_modes(vt);
        return;
    }
    if (final == 'h' || final == 'l') {
        vt_set_modes(vt, final == 'h');
        return;
    }
    if (vt->marker != 0 || vt_csi_moves(vt, final, n))
        return;
    switch (final) {
    case 'm':
        vt_sgr(vt);
        break;
    case 'r':
        vt_set_region(vt);
        break;
    case 's':
        vt->saved = vt->grid.cursor;
        break;
    case 'u':
        vt_restore_cursor(vt);
        break;
    default:
        vt_csi_changes(vt, final, n);
    }
}

static void vt_csi_parameter(struct vt *vt, uint32_t code)
{
    if (code >= '0' && code <= '9') {
        if (vt->at >= VT_PARAMETERS)
            return;
        uint32_t *number = &vt->parameters[index_masked(vt->at, VT_PARAMETERS)];
        *number = vt_grid_limit(10 * *number + (code - '0'), PARAMETER_MAX);
    } else if (code == ';' || code == ':') {
        vt->at = vt_grid_limit(vt->at + 1, VT_PARAMETERS);
    } else if (code >= 0x3c) {
        vt->marker = (uint8_t)code;
    } else {
        vt->intermediate = (uint8_t)code;
    }
}

/* ESC and a final, with or without an intermediate. */
static void vt_escape(struct vt *vt, uint32_t final)
{
    if (vt->intermediate == '(' || vt->intermediate == ')') {
        vt->grid.cursor.pen.graphics[vt->intermediate == ')'] = final == '0';
        return;
    }
    if (vt->intermediate != 0)
        return;
    switch (final) {
    case '7':
        vt->saved = vt->grid.cursor;
        break;
    case '8':
        vt_restore_cursor(vt);
        break;
    case 'D':
        vt_grid_next_row(&vt->grid);
        break;
    case 'E':
        vt->grid.cursor.column = 0;
        vt_grid_next_row(&vt->grid);
        break;
    case 'M':
        vt_grid_previous_row(&vt->grid);
        break;
    case 'c':
        vt_reset(vt);
        break;
    default:
        break;
    }
}

/* A character of a sequence that was in state `before`. */
static void vt_sequence(struct vt *vt, enum escape_state before, uint32_t code)
{
    const enum escape_state after = vt->escape.state;

    if (after == ESCAPE_BEGUN) {
        vt->intermediate = 0;
    } else if (after == ESCAPE_CSI && before != ESCAPE_CSI) {
        vt->marker = vt->intermediate = 0;
        memset(vt->parameters, 0, sizeof(vt->parameters));
        vt->at = 0;
    } else if (after == ESCAPE_CSI) {
        vt_csi_parameter(vt, code);
    } else if (after == ESCAPE_MORE) {
        vt->intermediate = (uint8_t)code;
    } else if (after == ESCAPE_NONE && before == ESCAPE_CSI) {
        vt_csi(vt, code);
    } else if (after == ESCAPE_NONE && (before == ESCAPE_BEGUN || before == ESCAPE_MORE)) {
        vt_escape(vt, code);
    }
}

/* ------------------------------------------------------------------ in */

void vt_init(struct vt *vt, uint32_t columns, uint32_t rows)
{
    memset(vt, 0, sizeof(*vt));
    vt_grid_init(&vt->grid, columns, rows);
    vt_reset(vt);
}

static void vt_code(struct vt *vt, uint32_t code)
{
    const enum escape_state before = vt->escape.state;

    if (escape_eats(&vt->escape, code))
        vt_sequence(vt, before, code);
    else if (code < 0x20)
        vt_grid_control(&vt->grid, code);
    else if (code != 0x7f && (code < 0x80 || code >= 0xa0))
        vt_grid_print(&vt->grid, code);
}

void vt_put(struct vt *vt, uint8_t byte)
{
    uint32_t codes[2];
    const uint32_t count = utf8_take(&vt->utf8, byte, codes);

    vt_grid_touch_cursor(&vt->grid);
    for (uint32_t i = 0; i < count; i++)
        vt_code(vt, codes[i]);
    vt_grid_touch_cursor(&vt->grid);
}
