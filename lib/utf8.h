/* SPDX-License-Identifier: MIT */
/*
 * utf8: decodes characters from a stream of bytes, however it is split, and knows which of them may
 * appear on a terminal and how wide they can be there. Pure. The Unicode Standard, "UTF-8" and
 * "Default Ignorable Code Points"; UAX #11 for widths.
 */
#pragma once

#include "lib/types.h"

#define UTF8_BROKEN UINT32_MAX /* in a code's place: bytes that are not a character */
#define UTF8_MAX    4          /* bytes of one character */

/* How far into a character; all zero at first. */
struct utf8 {
    uint32_t code;
    uint8_t len, left; /* bytes of it, and how many of them are still to come */
    bool given_up;     /* it counts as broken already, its bytes are only skipped */
};

/* The codes that `byte` completes, 0 to 2 of them: a byte that does not continue a sequence breaks
 * it off and stands for itself. A sequence that is broken off, overlong, a surrogate or beyond
 * U+10FFFF is one UTF8_BROKEN; a lone byte 0x80..0x9f is a control of C1 in its 8-bit form. */
uint32_t utf8_take(struct utf8 *u, uint8_t byte, uint32_t codes[2]);

/* Somebody wants to see what there is: true when that ends in the middle of a sequence, which from
 * now on counts as broken. */
MUST_CHECK bool utf8_give_up(struct utf8 *u);

/* Not a control, not invisible, not a character that changes the order or look of others, and not
 * reserved for one of these: it can do no more than stand in its place. */
MUST_CHECK bool utf8_is_plain(uint32_t code);

/* Columns that a plain character takes on a terminal, at most: 1 or 2. Where that is not clear, or
 * fonts differ, 2; combining characters count 1 although they take none. */
uint32_t utf8_width(uint32_t code);

/* The character at the beginning of text that is UTF-8; returns its bytes, at most `len`. */
uint32_t utf8_get(const uint8_t *text, uint32_t len, uint32_t *code);

/* Its bytes; returns how many. `code` is no UTF8_BROKEN and no surrogate. */
uint32_t utf8_put(uint32_t code, uint8_t out[UTF8_MAX]);
