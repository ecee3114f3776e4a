/* SPDX-License-Identifier: MIT */
/*
 * text: a grid of characters with a cursor, that wraps and scrolls and remembers which cells
 * changed. Pure: the screen driver draws it, a host test looks at it.
 *
 * A "[name]" at the beginning of a line is marked, so that the eye finds the speaker. Terminal
 * escape sequences are swallowed, UTF-8 characters become one '?'.
 */
#pragma once

#include "lib/escape.h"
#include "lib/types.h"

#define TEXT_COLUMNS_MAX 240
#define TEXT_ROWS_MAX    135
#define TEXT_TAB         8

#define TEXT_ACCENT 0x80 /* in a cell: belongs to a "[name]" at a line's beginning */

struct text {
    uint32_t columns, rows; /* 1..TEXT_COLUMNS_MAX, 1..TEXT_ROWS_MAX */
    uint32_t body;          /* rows that scroll: all, or all but the status line */
    uint32_t column, row;   /* the cursor; column == columns: the next character wraps */
    bool accent;            /* inside a "[name]" */
    enum escape escape;
    bool changed[TEXT_ROWS_MAX]; /* rows that may have cells that are not drawn */
    uint8_t cells[TEXT_ROWS_MAX][TEXT_COLUMNS_MAX]; /* printable ASCII, | TEXT_ACCENT; 0: blank */
    uint8_t drawn[TEXT_ROWS_MAX][TEXT_COLUMNS_MAX]; /* what the screen shows now */
};

/* An empty grid, the cursor at its top left, everything drawn. */
void text_init(struct text *text, uint32_t columns, uint32_t rows);

/* '\n' begins a new line, '\r' goes to the line's beginning, '\b' one cell back, '\t' to the next
 * multiple of eight; other control characters do nothing. */
void text_put(struct text *text, uint8_t byte);

/* Shows `line` in the last row, as much as fits and in the accent's colour; from the first call on
 * that row does not scroll any more. Only with two rows or more. */
void text_set_status(struct text *text, const char *line);

/* The next cell that differs from what is drawn, from *index on (row * columns + column); marks it
 * drawn. `cell` is as in struct text. False when there is none. */
MUST_CHECK bool text_next_change(struct text *text, uint32_t *index, uint8_t *cell);
