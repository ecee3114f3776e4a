/* SPDX-License-Identifier: MIT */
/*
 * string: the handful of memory and text functions we use. memcpy, memmove, memset and memcmp also
 * because the compiler calls them. On the desk (tests, plancheck) the C library's own serve; what C
 * lacks is inline here, and so is the same everywhere.
 */
#pragma once

#include "lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);

/* Copies at most size - 1 bytes, always ends with NUL, returns false when `src` was cut. */
static inline bool text_copy(char *dst, size_t size, const char *src)
{
    if (size == 0)
        return false;
    size_t len = strlen(src);
    size_t fits = len < size ? len : size - 1;
    memcpy(dst, src, fits);
    dst[fits] = '\0';
    return fits == len;
}

static inline bool text_equal(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}
