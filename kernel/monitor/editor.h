/* SPDX-License-Identifier: MIT */
/*
 * editor: one line being typed, with history. Knows keys and text, no device: its owner shows
 * `line` and `cursor` as it likes. Pure.
 */
#pragma once

#include "lib/escape.h"
#include "lib/types.h"
#include "lib/utf8.h"

#define EDITOR_LINE_MAX    100 /* with the NUL */
#define EDITOR_HISTORY_MAX 16

enum editor_event {
    EDITOR_NOTHING, /* no change */
    EDITOR_CHANGED, /* show it again */
    EDITOR_ENTER,   /* a line is complete: take it with editor_take() */
    EDITOR_ATTACH,  /* Ctrl-R: give the guest that had the keyboard the terminal as well */
    EDITOR_TAB,     /* complete the word before the cursor, with editor_insert() */
};

struct editor {
    char line[EDITOR_LINE_MAX];
    uint32_t len, cursor;
    char history[EDITOR_HISTORY_MAX][EDITOR_LINE_MAX]; /* a ring; newest at history_count - 1 */
    uint32_t history_count;
    uint32_t history_at; /* which entry is shown; history_count: none, a new line */
    struct utf8 utf8;
    struct escape escape;
    uint32_t parameter; /* of the escape sequence that is coming in */
};

/* Takes a byte as a terminal sends it: printable ASCII, Enter, Backspace, Tab, Ctrl-A E K U W C R,
 * and the escape sequences of arrows, Home, End and Delete. Every other escape sequence is left out
 * whole: a terminal's answers to questions of a guest can come in here. */
enum editor_event editor_key(struct editor *e, uint8_t byte);

/* Inserts text at the cursor, as far as there is room. */
void editor_insert(struct editor *e, const char *text);

/* After EDITOR_ENTER: copies the line to `out`, remembers it, and begins a new one. */
void editor_take(struct editor *e, char out[EDITOR_LINE_MAX]);
