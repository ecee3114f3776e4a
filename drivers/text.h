/* SPDX-License-Identifier: MIT */
/*
 * text: a grid of characters with a cursor, that wraps and scrolls and remembers which rows may
 * have changed. Pure: the screen driver draws it, a host test looks at it.
 *
 * A "[name]" at the beginning of a line is marked, so that the eye finds the speaker. A UTF-8
 * character that is not ASCII becomes one '?'.
 *
 * The rows are a ring, so that scrolling copies none: a newline costs the same on every screen. A
 * row that scrolls away before it is drawn is never drawn: nobody could have seen it.
 */
#pragma once

#include "lib/types.h"

#define TEXT_COLUMNS_MAX 240 /* a multiple of 8 */
#define TEXT_ROWS_MAX    135
#define TEXT_TAB         8

#define TEXT_ACCENT 0x80 /* in a cell: belongs to a "[name]" at a line's beginning */

/* A cell: printable ASCII, | TEXT_ACCENT; 0: blank. Two rows are compared word by word. */
union text_row {
    uint8_t cells[TEXT_COLUMNS_MAX];
    uint64_t words[TEXT_COLUMNS_MAX / 8];
};

struct text {
    uint32_t columns, rows; /* 1..TEXT_COLUMNS_MAX, 1..TEXT_ROWS_MAX */
    uint32_t body;          /* rows that scroll: all, or all but the status line */
    uint32_t column, row;   /* the cursor; column == columns: the next character wraps */
    bool accent;            /* inside a "[name]" */
    bool is_hidden;         /* the rows that scroll look empty */
    uint32_t top;           /* the topmost row is ring[top] */
    uint32_t look, stale;   /* `stale` rows from `look` on, then from the top, may have changed */
    union text_row ring[TEXT_ROWS_MAX];
    union text_row status;
    union text_row drawn[TEXT_ROWS_MAX]; /* what the screen shows now, from the top */
};

/* An empty grid, the cursor at its top left, everything drawn. */
void text_init(struct text *text, uint32_t columns, uint32_t rows);

/* The rows that scroll become empty, and the cursor goes to the top left. */
void text_clear(struct text *text);

/* '\n' begins a new line, '\r' goes to the line's beginning, '\b' one cell back, '\t' to the next
 * multiple of eight; other control characters do nothing. */
void text_put(struct text *text, uint8_t byte);

/* Shows `line` in the last row, as much as fits and in the accent's colour; from the first call on
 * that row does not scroll any more. Only with two rows or more. */
void text_set_status(struct text *text, const char *line);

/* The rows that scroll look empty, but are kept; and are seen again, where somebody else has drawn
 * meanwhile. */
void text_hide(struct text *text);
void text_show(struct text *text);

/* What should stand in a row of the screen, 0 at the top. */
const union text_row *text_row(const struct text *text, uint32_t row);

enum text_look {
    TEXT_DRAWN, /* all rows are as drawn */
    TEXT_SAME,  /* this one is, or is now: look again */
    TEXT_CHANGE,
};

/* Looks at one row for a cell that differs from what is drawn, and marks it drawn: with TEXT_CHANGE
 * that is *index (row * columns + column), to be drawn as `cell`. Goes on where the last look
 * ended, so that a flood of lines does not keep the lower rows from being drawn. */
MUST_CHECK enum text_look text_next_change(struct text *text, uint32_t *index, uint8_t *cell);
