/* SPDX-License-Identifier: MIT */
/*
 * report: the list of everything that is wrong with a file, collected before anything is shown,
 * so that a person mends it all at once. Pure.
 */
#pragma once

#include "lib/types.h"

#define REPORT_MAX      32
#define REPORT_TEXT_MAX 200 /* with the NUL; longer text is cut and ends in "..." */

struct report_row {
    uint32_t line; /* in bulkhead.conf; 0: the file as a whole */
    char text[REPORT_TEXT_MAX];
};

struct report {
    uint32_t count; /* of all errors, also those beyond REPORT_MAX, which are only counted */
    struct report_row rows[REPORT_MAX]; /* the first ones by line, sorted */
};

void report_add(struct report *r, uint32_t line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * What a person sees, one call per line: "bulkhead.conf:14: text" for each row, then, where some
 * were only counted, "bulkhead.conf: and 7 more errors". False when there is no such line.
 */
MUST_CHECK bool report_print(const struct report *r, uint32_t index, const char *file, char *buf,
                             size_t size);
