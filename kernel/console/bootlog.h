/* SPDX-License-Identifier: MIT */
/*
 * bootlog: the lines of a boot that starts no guest, kept to be shown once more, in pages. Pure but
 * for its memory. Boot core, before memory is sealed.
 */
#pragma once

#include "lib/types.h"

/* From now on lines are kept; nothing is before. */
void bootlog_begin(void);

/* A line without its newline. Those that find no room are counted. */
void bootlog_keep(const char *line, size_t len);

/* The lines, each with a NUL, `*size` bytes together. */
const char *bootlog_lines(size_t *size);

/* How many found no room. */
uint32_t bootlog_left_out(void);

/* ------------------------------------------------------------------ pages */

struct bootlog_page {
    const char *from, *end; /* whole lines */
};

/* The next page of at most `rows` rows with `columns` columns (both > 0), from page->end up to
 * `end`; every line has `prefix` characters before it and wraps. A line that is longer than a page
 * has one for itself. False: there is none. */
MUST_CHECK bool bootlog_turn(struct bootlog_page *page, const char *end, uint32_t rows,
                             uint32_t columns, uint32_t prefix);
