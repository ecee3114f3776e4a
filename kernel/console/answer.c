/* SPDX-License-Identifier: MIT */
#include "kernel/console/answer.h"

#include <stdarg.h>

#include "kernel/console/console.h"
#include "lib/log.h"

void answer_line(const char *fmt, ...)
{
    struct log_text line;
    va_list args;

    va_start(args, fmt);
    log_compose(&line, fmt, args);
    va_end(args);
    console_show(line.text, line.len);
}
