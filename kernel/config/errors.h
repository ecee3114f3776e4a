/* SPDX-License-Identifier: MIT */
/*
 * errors: the list of everything that is wrong with a file, collected before anything is shown, so
 * that all of it can be fixed at once. Pure.
 */
#pragma once

#include "lib/types.h"

#define ERRORS_MAX      32
#define ERRORS_TEXT_MAX 200 /* with the NUL; longer text is cut and ends in "..." */

struct errors_row {
    uint32_t line; /* in bulkhead.conf; 0: the file as a whole */
    char text[ERRORS_TEXT_MAX];
};

struct errors {
    uint32_t count; /* of all errors, also those beyond ERRORS_MAX, which are only counted */
    struct errors_row rows[ERRORS_MAX]; /* the first ones by line, sorted */
};

void errors_add(struct errors *r, uint32_t line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * What a person sees, one call per line: "bulkhead.conf:14: text" for each row, then, where some
 * were only counted, "bulkhead.conf: and 7 more errors". False when there is no such line.
 */
MUST_CHECK bool errors_print(const struct errors *r, uint32_t index, const char *file, char *buf,
                             size_t size);
