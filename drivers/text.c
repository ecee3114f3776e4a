/* SPDX-License-Identifier: MIT */
/*
 * text: keeps the grid. Knows no pixels, and whatever bytes a guest sends, only printable ASCII
 * gets into a cell and the cursor stays inside.
 */
#include "drivers/text.h"

#include "lib/assert.h"
#include "lib/string.h"

void text_init(struct text *text, uint32_t columns, uint32_t rows)
{
    ASSERT(columns >= 1 && columns <= TEXT_COLUMNS_MAX && rows >= 1 && rows <= TEXT_ROWS_MAX);
    memset(text, 0, sizeof(*text));
    text->columns = columns;
    text->rows = rows;
    text->body = rows;
}

static void text_scroll(struct text *text)
{
    memmove(text->cells[0], text->cells[1], (text->body - 1) * sizeof(text->cells[0]));
    memset(text->cells[text->body - 1], 0, sizeof(text->cells[0]));
    memset(text->changed, true, sizeof(text->changed));
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
    uint8_t cell;

    if (character == '[' && text->column == 0)
        text->accent = true;
    if (text->column == text->columns)
        text_next_row(text);
    cell = text->accent ? character | TEXT_ACCENT : character;
    text->cells[text->row][text->column++] = character == ' ' ? 0 : cell;
    text->changed[text->row] = true;
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
    if (escape_eats(&text->escape, byte))
        return;
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
    uint8_t *cells = text->cells[text->body];
    for (; *line != '\0' && column < text->columns; line++, column++) {
        const uint8_t character = (uint8_t)*line;
        const bool visible = character > 0x20 && character < 0x7f;
        cells[column] = visible ? character | TEXT_ACCENT : 0;
    }
    memset(cells + column, 0, text->columns - column);
    text->changed[text->body] = true;
}

bool text_next_change(struct text *text, uint32_t *index, uint8_t *cell)
{
    uint32_t row = *index / text->columns;
    uint32_t column = *index % text->columns;

    for (; row < text->rows; row++, column = 0) {
        if (!text->changed[row])
            continue;
        for (; column < text->columns; column++) {
            if (text->cells[row][column] == text->drawn[row][column])
                continue;
            *cell = text->cells[row][column];
            text->drawn[row][column] = *cell;
            *index = row * text->columns + column;
            return true;
        }
        text->changed[row] = false;
    }
    return false;
}
