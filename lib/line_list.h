/* SPDX-License-Identifier: MIT */
/*
 * line_list: lines one behind the other in a buffer, each with a NUL, until it is full. Pure.
 */
#pragma once

#include "lib/string.h"
#include "lib/types.h"

/* Puts a line behind the `*size` bytes that `text`, which has room for `room` (>= *size), holds.
 * False: it finds no room, and nothing has changed. */
MUST_CHECK static inline bool line_list_add(char *text, size_t room, size_t *size, const char *line,
                                            size_t len)
{
    if (len >= room - *size)
        return false;
    memcpy(text + *size, line, len);
    *size += len;
    text[(*size)++] = '\0';
    return true;
}
