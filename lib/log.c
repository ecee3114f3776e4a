/* SPDX-License-Identifier: MIT */
/*
 * log: formats one line and hands it to the program's log_emit(). Pure, no state: any number of
 * cores may be in here at once. Whatever is printed, names and files included, a line stays one
 * line: a control character in it becomes '?'.
 */
#include "lib/log.h"

#include <stdarg.h>

#include "lib/fmt.h"

/* One byte more than a line may have tells a line that just fits from one that was cut. */
struct line {
    char text[LOG_LINE_MAX + 2];
    size_t len;
};

static PRINTF_LIKE(2, 0) void line_add(struct line *l, const char *fmt, va_list args)
{
    l->len += fmt_vprint(l->text + l->len, sizeof(l->text) - l->len, fmt, args);
}

static void line_emit(struct line *l)
{
    if (l->len > LOG_LINE_MAX) {
        l->len = LOG_LINE_MAX;
        for (size_t i = 1; i <= 3; i++)
            l->text[l->len - i] = '.';
    }
    for (size_t i = 0; i < l->len; i++) {
        uint8_t c = (uint8_t)l->text[i];
        if (c < 0x20 || c == 0x7f)
            l->text[i] = '?';
    }
    l->text[l->len] = '\0';
    log_emit(l->text, l->len);
}

void log_line(const char *fmt, ...)
{
    struct line l;
    va_list args;
    l.len = 0;
    va_start(args, fmt);
    line_add(&l, fmt, args);
    va_end(args);
    line_emit(&l);
}

void log_fail(const char *file, int line, const char *fmt, ...)
{
    struct line l;
    va_list args;
    l.len = fmt_print(l.text, sizeof(l.text), "%s:%d: ", file, line);
    va_start(args, fmt);
    line_add(&l, fmt, args);
    va_end(args);
    line_emit(&l);
}
