/* SPDX-License-Identifier: MIT */
/*
 * log: one line of text at a time. This file formats; where the line goes is the program's
 * business: it defines log_emit() once (the hypervisor's console, the loader's screen, a host
 * test's stderr).
 */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

#define LOG_LINE_MAX 240 /* longest line, without its end; longer text is cut and ends in "..." */

/* Takes one line without its newline; `len` <= LOG_LINE_MAX. Any core, any context but NMI. */
void log_emit(const char *line, size_t len);

/* A line as log_line() makes it, for those who have another place for it. */
struct log_text {
    char text[LOG_LINE_MAX + 2];
    size_t len; /* <= LOG_LINE_MAX */
};
void log_compose(struct log_text *line, const char *fmt, va_list args) PRINTF_LIKE(2, 0);

/* A control character in the text becomes '?': nothing that is printed can fake a second line. */
void log_line(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* log_line(), or another place for the lines of a table. Not on the way from a guest, where no
 * branch is indirect (docs/decisions/001). */
typedef void (*log_sink)(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* "file:line: text"; used by FAIL(). */
/*@ assigns \nothing; */
COLD void log_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
