/* SPDX-License-Identifier: MIT */
/*
 * prompt: the terminal's last line while the monitor has the focus, drawn with as few bytes as
 * possible. Knows the text and the cursor, not when to show them. Pure.
 */
#pragma once

#include "lib/types.h"

#define PROMPT_MAX 128

/* Bytes that one prompt_show() or prompt_hide() makes at most. */
#define PROMPT_ROOM (4 * PROMPT_MAX)

struct prompt_text {
    uint32_t len, cursor; /* the cursor stands before this character */
    char text[PROMPT_MAX];
};

struct prompt {
    bool is_shown;
    struct prompt_text shown; /* what stands there; valid while it is_shown */
    struct prompt_text wanted;
};

/* What is to be shown from the next prompt_show() on. */
void prompt_set(struct prompt *p, const char *text, uint32_t len, uint32_t cursor);

/* The bytes that show it at the cursor, which stands at the beginning of a line, or that turn what
 * is shown into it; returns how many. */
uint32_t prompt_show(struct prompt *p, char out[PROMPT_ROOM]);

/* The bytes that leave an empty line, the cursor at its beginning. */
uint32_t prompt_hide(struct prompt *p, char out[PROMPT_ROOM]);
