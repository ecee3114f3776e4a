/* SPDX-License-Identifier: MIT */
/*
 * string: memory and text functions for programs without a C library. The hypervisor, the loader
 * and guests link this file. Copies and fills are string instructions, and the loops hold a
 * barrier, so that the compiler cannot recognise memcpy or strlen in them and replace the body by a
 * call to itself.
 */
#include "lib/string.h"

/* Hides a value from the optimiser for one step of a loop; no instruction. */
#define OPAQUE(v) __asm__("" : "+r"(v))

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    void *to = dst;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(n) : : "memory");
    return dst;
}

/*
 * Downwards by a plain loop: the string instructions would need the direction flag set, and an
 * NMI's handler, compiled as every C function for a clear one, could be entered meanwhile.
 */
void *memmove(void *dst, const void *src, size_t n)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    if ((uintptr_t)to - (uintptr_t)from >= n) /* to < from wraps around: upwards is right too */
        return memcpy(dst, src, n);
    while (n > 0) {
        n--;
        to[n] = from[n];
        OPAQUE(n);
    }
    return dst;
}

/* Whole guests are zeroed with it: eight bytes a step, for processors (and emulators) to which a
 * step is a step. */
void *memset(void *dst, int c, size_t n)
{
    const uint64_t pattern = (uint8_t)c * UINT64_C(0x0101010101010101);
    size_t words = n / sizeof(pattern), rest = n % sizeof(pattern);
    void *to = dst;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0') {
        n++;
        OPAQUE(n);
    }
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (int)(uint8_t)*a - (int)(uint8_t)*b;
}
