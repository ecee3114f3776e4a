/* SPDX-License-Identifier: MIT */
/*
 * log: formats one line and hands it to the program's log_emit(). Pure, no state: any number of
 * cores may be in here at once. Whatever is printed, names and files included, a line stays one
 * line: a control character in it becomes '?'.
 */
#include "lib/log.h"

#include "lib/fmt.h"

/* Cuts what is too long and makes it one line. `line` has one byte more than a line may have: that
 * tells a line that just fits from one that was cut. */
static size_t log_finish(char line[LOG_LINE_MAX + 2], size_t len)
{
    if (len > LOG_LINE_MAX) {
        len = LOG_LINE_MAX;
        for (size_t i = 1; i <= 3; i++)
            line[len - i] = '.';
    }
    for (size_t i = 0; i < len; i++) {
        const uint8_t c = (uint8_t)line[i];
        if (c < 0x20 || c == 0x7f)
            line[i] = '?';
    }
    line[len] = '\0';
    return len;
}

size_t log_format(char line[LOG_LINE_MAX + 2], const char *fmt, va_list args)
{
    return log_finish(line, fmt_vprint(line, LOG_LINE_MAX + 2, fmt, args));
}

void log_line(const char *fmt, ...)
{
    char line[LOG_LINE_MAX + 2];
    va_list args;

    va_start(args, fmt);
    const size_t len = log_format(line, fmt, args);
    va_end(args);
    log_emit(line, len);
}

void log_fail(const char *file, int line_number, const char *fmt, ...)
{
    char line[LOG_LINE_MAX + 2];
    va_list args;
    size_t len = fmt_print(line, sizeof(line), "%s:%d: ", file, line_number);

    va_start(args, fmt);
    len += fmt_vprint(line + len, sizeof(line) - len, fmt, args);
    va_end(args);
    log_emit(line, log_finish(line, len));
}
