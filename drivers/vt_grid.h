/* SPDX-License-Identifier: MIT */
/*
 * vt_grid: the rows of a small terminal, with a cursor, colours and a region that scrolls. Pure.
 *
 * Whatever is asked of it, only printable ASCII enters a cell and the cursor stays inside. What has
 * no glyph is a '?', or for lines and boxes what looks like it, in one column.
 *
 * Everything is cheap, as guests ask for it: scrolling moves the numbers of rows, and clearing a
 * row marks it, so that at most two rows' cells are written at a time.
 */
#pragma once

#include "drivers/text.h"
#include "lib/types.h"

#define VT_GRID_COLUMNS 80
#define VT_GRID_ROWS    24

/* A cell: printable ASCII in bits 6:0, colours (vt_colour.h) in 11:8 and 15:12. */
#define VT_GRID_CHARACTER(cell)  ((cell)&0x7f)
#define VT_GRID_FOREGROUND(cell) ((cell) >> 8 & 0xf)
#define VT_GRID_BACKGROUND(cell) ((cell) >> 12 & 0xf)

/* How characters are written. */
struct vt_grid_pen {
    uint8_t foreground, background;
    bool bold, inverse;
    bool shift;       /* G1 is in use, not G0 */
    bool graphics[2]; /* G0, G1: line drawing */
};

struct vt_grid_cursor {
    uint32_t row, column; /* column == columns: the next character wraps */
    struct vt_grid_pen pen;
};

struct vt_grid {
    uint32_t columns, rows;
    struct vt_grid_cursor cursor;
    uint32_t top, bottom; /* first and last row of the region that scrolls */
    bool wraps, inserts, shows_cursor;
    uint32_t stale;              /* a bit for each row that may have changed */
    uint32_t look, look_column;  /* where to look next */
    uint8_t order[VT_GRID_ROWS]; /* row r is cells[order[r]], so that scrolling copies none */
    uint16_t
        blank[VT_GRID_ROWS]; /* by order[r], too: the whole row is this cell; 0: it is cells[] */
    uint16_t cells[VT_GRID_ROWS][VT_GRID_COLUMNS];
    uint16_t drawn[VT_GRID_ROWS][VT_GRID_COLUMNS]; /* what the screen shows; 0: not known */
};

static inline uint32_t vt_grid_limit(uint32_t value, uint32_t most)
{
    return value < most ? value : most;
}

/* Nothing of it drawn; smaller where the screen is. Its cells are erased by the caller. */
void vt_grid_init(struct vt_grid *g, uint32_t columns, uint32_t rows);

/* Columns from `from` up to before `to`; and whole rows. */
void vt_grid_erase(struct vt_grid *g, uint32_t row, uint32_t from, uint32_t to);
void vt_grid_erase_rows(struct vt_grid *g, uint32_t from, uint32_t to);

/* Rows first to last, by `count`; empty ones come in below, or above. */
void vt_grid_roll(struct vt_grid *g, uint32_t first, uint32_t last, uint32_t count, bool up);

/* Cells from the cursor on move to the right, or to the left. */
void vt_grid_shift(struct vt_grid *g, uint32_t count, bool right);

/* To that place or the nearest one. */
void vt_grid_move(struct vt_grid *g, uint32_t row, uint32_t column);

/* Not out of the region that scrolls, where the cursor is in it. */
void vt_grid_move_up(struct vt_grid *g, uint32_t count);
void vt_grid_move_down(struct vt_grid *g, uint32_t count);

/* These scroll. */
void vt_grid_next_row(struct vt_grid *g);
void vt_grid_previous_row(struct vt_grid *g);

/* A character of Unicode or UTF8_BROKEN, and a control of C0. */
void vt_grid_print(struct vt_grid *g, uint32_t code);
void vt_grid_control(struct vt_grid *g, uint32_t code);

/* The cursor leaves its row, or comes to it. */
void vt_grid_touch_cursor(struct vt_grid *g);

/* What should stand there, the cursor included. */
uint16_t vt_grid_cell(const struct vt_grid *g, uint32_t row, uint32_t column);

/* As text_next_change(), a row at a time. */
MUST_CHECK enum text_look vt_grid_next_change(struct vt_grid *g, uint32_t *row, uint32_t *column,
                                              uint16_t *cell);
