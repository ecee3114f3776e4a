/* SPDX-License-Identifier: MIT */
/*
 * text: keeps the grid. Knows nothing about pixels. Whatever bytes arrive, only printable ASCII
 * enters a cell and the cursor stays inside.
 */
#include "drivers/text.h"

#include "lib/assert.h"
#include "lib/string.h"

#define TEXT_UNKNOWN 0xff /* in `drawn`: what is never in a row */

_Static_assert(TEXT_COLUMNS_MAX % 8 == 0, "a row is whole words");

void text_init(struct text *text, uint32_t columns, uint32_t rows)
{
    ASSERT(columns >= 1 && columns <= TEXT_COLUMNS_MAX && rows >= 1 && rows <= TEXT_ROWS_MAX);
    memset(text, 0, sizeof(*text));
    text->columns = columns;
    text->rows = rows;
    text->body = rows;
}

void text_clear(struct text *text)
{
    memset(text->ring, 0, sizeof(text->ring));
    text->column = text->row = 0;
    text->accent = false;
    text->stale = text->rows;
}

static uint32_t text_place(const struct text *text, uint32_t row)
{
    const uint32_t at = text->top + row;

    return at < TEXT_ROWS_MAX ? at : at - TEXT_ROWS_MAX;
}

static const union text_row text_empty;

const union text_row *text_row(const struct text *text, uint32_t row)
{
    if (text->is_hidden && row < text->body)
        return &text_empty;
    return row < text->body ? &text->ring[text_place(text, row)] : &text->status;
}

static void text_touch(struct text *text, uint32_t row)
{
    if (text->stale == 0)
        text->look = row;
    const uint32_t from_look = row >= text->look ? row - text->look : row + text->rows - text->look;
    if (text->stale <= from_look)
        text->stale = from_look + 1;
}

/* The topmost row becomes the empty last one. */
static void text_scroll(struct text *text)
{
    text->top = text->top + 1 < TEXT_ROWS_MAX ? text->top + 1 : 0;
    memset(&text->ring[text_place(text, text->body - 1)], 0, sizeof(union text_row));
    text->stale = text->rows;
}

static void text_next_row(struct text *text)
{
    text->column = 0;
    if (text->row + 1 < text->body)
        text->row++;
    else
        text_scroll(text);
}

/* Wraps only when there is something to put: a line that just fits leaves no empty row behind. */
static void text_put_printable(struct text *text, uint8_t character)
{
    if (character == '[' && text->column == 0)
        text->accent = true;
    if (text->column == text->columns)
        text_next_row(text);
    const uint8_t cell = text->accent ? character | TEXT_ACCENT : character;
    uint8_t *cells = text->ring[text_place(text, text->row)].cells;
    cells[text->column++] = character == ' ' ? 0 : cell;
    text_touch(text, text->row);
    if (character == ']')
        text->accent = false;
}

static void text_put_control(struct text *text, uint8_t byte)
{
    if (byte == '\n') {
        text_next_row(text);
        text->accent = false;
    } else if (byte == '\r') {
        text->column = 0;
        text->accent = false;
    } else if (byte == '\b' && text->column > 0) {
        text->column--;
    } else if (byte == '\t') {
        uint32_t stop = (text->column / TEXT_TAB + 1) * TEXT_TAB;

        text->column = stop < text->columns ? stop : text->columns;
    }
}

void text_put(struct text *text, uint8_t byte)
{
    if (byte < 0x20)
        text_put_control(text, byte);
    else if (byte < 0x7f)
        text_put_printable(text, byte);
    else if (byte >= 0xc0) /* begins a UTF-8 character; 0x80..0xbf only continue one */
        text_put_printable(text, '?');
}

void text_set_status(struct text *text, const char *line)
{
    uint32_t column = 0;

    if (text->rows < 2)
        return;
    if (text->body == text->rows) {
        if (text->row == text->rows - 1) {
            text_scroll(text);
            text->row--;
        }
        text->body = text->rows - 1;
    }
    uint8_t *cells = text->status.cells;
    for (; *line != '\0' && column < text->columns; line++, column++) {
        const uint8_t character = (uint8_t)*line;
        const bool visible = character > 0x20 && character < 0x7f;
        cells[column] = visible ? character | TEXT_ACCENT : 0;
    }
    memset(cells + column, 0, text->columns - column);
    text_touch(text, text->body);
}

void text_hide(struct text *text)
{
    text->is_hidden = true;
    text->stale = text->rows;
}

void text_show(struct text *text)
{
    text->is_hidden = false;
    memset(text->drawn, TEXT_UNKNOWN, text->body * sizeof(text->drawn[0]));
    /* Not what is right of the screen. */
    for (uint32_t row = 0; row < text->body; row++)
        memset(text->drawn[row].cells + text->columns, 0, TEXT_COLUMNS_MAX - text->columns);
    text->stale = text->rows;
}

enum text_look text_next_change(struct text *text, uint32_t *index, uint8_t *cell)
{
    const uint32_t row = text->look;
    const union text_row *want = text_row(text, row);
    union text_row *drawn = &text->drawn[row];

    if (text->stale == 0)
        return TEXT_DRAWN;
    for (uint32_t i = 0; i < ARRAY_SIZE(want->words); i++) {
        const uint64_t difference = want->words[i] ^ drawn->words[i];
        if (difference == 0)
            continue;
        const uint32_t column = 8 * i + (uint32_t)__builtin_ctzll(difference) / 8;
        *cell = want->cells[column];
        *index = row * text->columns + column;
        drawn->cells[column] = *cell;
        return TEXT_CHANGE;
    }
    text->look = row + 1 < text->rows ? row + 1 : 0;
    text->stale--;
    return TEXT_SAME;
}
