/* SPDX-License-Identifier: MIT */
/*
 * paper: a terminal for host programs around lines.c and source.c. Keeps the bytes that were put,
 * and the rows as a terminal of so many columns shows them, which wraps by itself: once with each
 * character as wide as a terminal could draw it and once as narrow.
 */
#pragma once

#include <string.h>

#include "kernel/console/terminal.h"
#include "lib/utf8.h"

#define PAPER_BYTES (1 << 20)
#define PAPER_ROW   1024

struct paper_view {
    bool narrow;
    uint32_t columns, column, len;
    char row[PAPER_ROW]; /* the last one, as bytes; backspace and carriage return stay in it */
};

struct paper {
    uint32_t len;
    char bytes[PAPER_BYTES];
    struct utf8 utf8;
    struct paper_view views[2];
    /* Each row when it is complete. */
    void (*row)(const char *row, uint32_t len);
};

static struct paper paper;

static inline void paper_init(uint32_t columns, void (*row)(const char *row, uint32_t len))
{
    paper.len = 0;
    paper.row = row;
    paper.utf8 = (struct utf8){0};
    for (uint32_t i = 0; i < 2; i++)
        paper.views[i] = (struct paper_view){.narrow = i == 1, .columns = columns};
}

static inline uint32_t paper_width(const struct paper_view *v, uint32_t code)
{
    if (code == '\t') {
        const uint32_t stop = (v->column / TEXT_TAB + 1) * TEXT_TAB;
        return (stop < v->columns ? stop : v->columns - 1) - v->column;
    }
    if (!v->narrow)
        return utf8_width(code);
    return code >= 0x300 && code < 0x370 ? 0 : 1;
}

static inline void paper_end_row(struct paper_view *v)
{
    v->row[v->len] = '\0';
    if (paper.row)
        paper.row(v->row, v->len);
    v->len = v->column = 0;
}

static inline void paper_view_put(struct paper_view *v, uint32_t code)
{
    if (code == '\n') {
        paper_end_row(v);
        return;
    }
    const uint32_t width = paper_width(v, code);
    if (v->column + width > v->columns)
        paper_end_row(v);
    v->column += width;
    if (v->len + UTF8_MAX < PAPER_ROW)
        v->len += utf8_put(code, (uint8_t *)v->row + v->len);
}

/* What the bytes from there on take of the terminal's stage. */
static inline uint32_t paper_staged(uint32_t from)
{
    uint32_t staged = paper.len - from;

    for (uint32_t i = from; i < paper.len; i++)
        staged += paper.bytes[i] == '\n';
    return staged;
}

/* In terminal.c's place. */
void terminal_put(struct terminal *t, const void *bytes, size_t len)
{
    t->count += len;
    for (size_t i = 0; i < len; i++) {
        uint32_t codes[2];
        const uint32_t count = utf8_take(&paper.utf8, ((const uint8_t *)bytes)[i], codes);
        for (uint32_t c = 0; c < count; c++) {
            if (codes[c] == UTF8_BROKEN) /* bytes as they are; who looks will find them */
                codes[c] = 0xfffd;
            paper_view_put(&paper.views[0], codes[c]);
            paper_view_put(&paper.views[1], codes[c]);
        }
        if (paper.len < PAPER_BYTES - 1)
            paper.bytes[paper.len++] = ((const char *)bytes)[i];
    }
    paper.bytes[paper.len] = '\0';
}

void terminal_put_raw(struct terminal *t, const void *bytes, size_t len)
{
    terminal_put(t, bytes, len);
}

uint32_t terminal_room(const struct terminal *t)
{
    (void)t;
    return TERMINAL_STAGE;
}
