/* SPDX-License-Identifier: MIT */
/*
 * errors: collects errors in line order. Its cost is bounded whatever a file contains: an error
 * after the last row of a full report is only counted, not formatted. Pure.
 */
#include "kernel/config/errors.h"

#include <stdarg.h>

#include "lib/fmt.h"
#include "lib/string.h"

static uint32_t report_rows(const struct errors *r)
{
    return r->count < ERRORS_MAX ? r->count : ERRORS_MAX;
}

void errors_add(struct errors *r, uint32_t line, const char *fmt, ...)
{
    uint32_t rows = report_rows(r);
    uint32_t at = rows;
    va_list args;

    if (r->count != UINT32_MAX)
        r->count++;
    while (at > 0 && r->rows[at - 1].line > line)
        at--;
    if (at == ERRORS_MAX)
        return;
    if (rows == ERRORS_MAX)
        rows--; /* the last row makes room */
    memmove(&r->rows[at + 1], &r->rows[at], (rows - at) * sizeof(r->rows[0]));

    struct errors_row *row = &r->rows[at];
    row->line = line;
    va_start(args, fmt);
    if (fmt_vprint(row->text, sizeof(row->text), fmt, args) == sizeof(row->text) - 1)
        memcpy(row->text + sizeof(row->text) - sizeof("..."), "...", sizeof("..."));
    va_end(args);
}

bool errors_print(const struct errors *r, uint32_t index, const char *file, char *buf, size_t size)
{
    uint32_t rows = report_rows(r);
    uint32_t more = r->count - rows;

    if (index < rows && r->rows[index].line != 0)
        fmt_print(buf, size, "%s:%u: %s", file, r->rows[index].line, r->rows[index].text);
    else if (index < rows)
        fmt_print(buf, size, "%s: %s", file, r->rows[index].text);
    else if (index == rows && more != 0)
        fmt_print(buf, size, "%s: and %u more error%s", file, more, more == 1 ? "" : "s");
    else
        return false;
    return true;
}
