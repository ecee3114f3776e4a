/* SPDX-License-Identifier: MIT */
/*
 * log: formats one line and hands it to the program's log_emit(). Pure, no state: any number of
 * cores may be in here at once. Whatever is printed, names and files included, a line stays one
 * line: a control character in it becomes '?'.
 */
#include "lib/log.h"

#include "lib/fmt.h"

/* struct log_text has a byte more than a line may have: it tells one that just fits from one that
 * was cut. */
static PRINTF_LIKE(2, 0) void line_add(struct log_text *l, const char *fmt, va_list args)
{
    l->len += fmt_vprint(l->text + l->len, sizeof(l->text) - l->len, fmt, args);
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
}

void log_compose(struct log_text *line, const char *fmt, va_list args)
{
    line->len = 0;
    line_add(line, fmt, args);
}

void log_line(const char *fmt, ...)
{
    struct log_text l;
    va_list args;
    va_start(args, fmt);
    log_compose(&l, fmt, args);
    va_end(args);
    log_emit(l.text, l.len);
}

void log_fail(const char *file, int line, const char *fmt, ...)
{
    struct log_text l;
    va_list args;
    l.len = fmt_print(l.text, sizeof(l.text), "%s:%d: ", file, line);
    va_start(args, fmt);
    line_add(&l, fmt, args);
    va_end(args);
    log_emit(l.text, l.len);
}
