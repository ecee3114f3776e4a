/* SPDX-License-Identifier: MIT */
/*
 * text_span: a piece of text inside a larger one, without a NUL of its own: what a parser cuts its
 * input into. White space is blank and tab. Pure.
 */
#pragma once

#include "lib/types.h"

struct span {
    const char *at;
    size_t len; /* bytes */
};

/* How a span is shown in an error: `"'" SPAN_FMT "'", SPAN_ARGS(s)`; long ones are cut. */
#define SPAN_SHOWN_MAX 40
#define SPAN_FMT       "%.*s%s"
#define SPAN_ARGS(s)                                                    \
    (int)((s).len > SPAN_SHOWN_MAX ? SPAN_SHOWN_MAX : (s).len), (s).at, \
        ((s).len > SPAN_SHOWN_MAX ? "..." : "")

bool span_is_blank(char c);
bool span_is_digit(char c);
bool span_is_letter(char c);
char span_lower(char c); /* ASCII */

/* The span from `from` to its end; empty when `from` lies behind it. */
struct span span_from(struct span s, size_t from);

struct span span_trim(struct span s);

/* Place of the first `c`, or s.len. */
size_t span_find(struct span s, char c);

/* Cuts the next word, ended by white space, off the front of `rest`; empty: there is none. */
struct span span_word(struct span *rest);

bool span_is(struct span s, const char *word);

/* Equal but for upper and lower case (ASCII), as FAT compares file names. */
bool span_is_any_case(struct span s, const char *word);

/* Less than, equal to or greater than 0, as s stands to word in a list that ignores case. */
int span_compare(struct span s, const char *word);

/* Digits and nothing else; what exceeds 64 bits becomes UINT64_MAX. */
MUST_CHECK bool span_number(struct span s, uint64_t *out);

/* As span_number() for "0x" and hexadecimal digits. */
MUST_CHECK bool span_hex(struct span s, uint64_t *out);

/* So many hexadecimal digits, 1 to 8, and nothing else. */
MUST_CHECK bool span_hex_digits(struct span s, size_t digits, uint32_t *out);

/* The span of a text with a NUL. */
struct span span_of(const char *text);

/* A word of `text` begins so. */
bool span_has_word(const char *text, const char *begin);
