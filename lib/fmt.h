/* SPDX-License-Identifier: MIT */
/*
 * fmt: a printf without a libc. Conversions: %d %i %u %x %X %p %c %s %% with flags - and 0, width
 * and precision (also *), lengths hh h l ll z. No floating point, no %n. Pure.
 */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

/*
 * Writes at most size - 1 bytes and always a final NUL when size > 0. Returns the number of bytes
 * written without the NUL (not, as C's snprintf, what would have been written).
 */
size_t fmt_print(char *buf, size_t size, const char *fmt, ...) PRINTF_LIKE(3, 4);
size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list args);

/* The end of a noun that is counted: "%u exit%s", count, fmt_plural(count). */
static inline const char *fmt_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* A byte count as people write it: "16 MiB", "1536 KiB", "513 B"; exact, never rounded. */
size_t fmt_size(char *buf, size_t size, uint64_t bytes);
