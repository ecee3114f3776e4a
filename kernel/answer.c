/* SPDX-License-Identifier: MIT */
#include "kernel/answer.h"

#include <stdarg.h>

#include "kernel/console.h"
#include "lib/log.h"

void answer_line(const char *fmt, ...)
{
    char line[LOG_LINE_MAX + 2];
    va_list args;

    va_start(args, fmt);
    const size_t len = log_format(line, fmt, args);
    va_end(args);
    console_show(line, len);
}
