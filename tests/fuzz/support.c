/* SPDX-License-Identifier: MIT */
/*
 * support: the fuzz programs' side of lib/: logged lines are checked and dropped, and a broken
 * ASSERT is a finding, for no input may reach one.
 */
#include "support.h"

#include <stdio.h>

#include "lib/assert.h"
#include "lib/log.h"

void fuzz_fail(const char *what, const char *file, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

void log_emit(const char *line, size_t len)
{
    DEMAND(len <= LOG_LINE_MAX);
    for (size_t i = 0; i < len; i++)
        DEMAND((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
}

void assert_fail(const char *expr, const char *file, int line)
{
    fuzz_fail(expr, file, line);
}

uint64_t fuzz_take(struct fuzz_input *in, size_t bytes)
{
    uint64_t value = 0;

    for (size_t i = 0; i < bytes && in->left > 0; i++, in->at++, in->left--)
        value |= (uint64_t)*in->at << 8 * i;
    return value;
}

uint64_t fuzz_number(struct fuzz_input *in)
{
    const uint8_t how = fuzz_u8(in);

    switch (how >> 5) {
    case 0:
        return how & 31;
    case 1:
        return UINT64_C(1) << (fuzz_u8(in) & 63);
    case 2:
        return (UINT64_C(1) << (fuzz_u8(in) & 63)) + (how & 31) - 16;
    case 3:
        return ~(uint64_t)(how & 31);
    case 4:
        return fuzz_take(in, 2);
    case 5:
    case 6:
        return fuzz_take(in, 4);
    default:
        return fuzz_take(in, 8);
    }
}

bool fuzz_tail(const uint8_t *data, size_t *size, size_t bytes, struct fuzz_input *tail)
{
    if (*size < bytes)
        return false;
    *size -= bytes;
    *tail = (struct fuzz_input){data + *size, bytes};
    return true;
}
