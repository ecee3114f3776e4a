/* SPDX-License-Identifier: MIT */
/*
 * support: what every fuzz target shares: a demand that ends the run when it is not met, and a
 * reader that cuts an input into numbers. A target defines LLVMFuzzerTestOneInput().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/types.h"

NORETURN void fuzz_fail(const char *what, const char *file, int line);

/* What must hold whatever the input is. */
#define DEMAND(cond)                              \
    do {                                          \
        if (!(cond))                              \
            fuzz_fail(#cond, __FILE__, __LINE__); \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Takes numbers off the front; yields zeros once the bytes are used up. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

uint64_t fuzz_take(struct fuzz_input *in, size_t bytes);

static inline uint8_t fuzz_u8(struct fuzz_input *in)
{
    return (uint8_t)fuzz_take(in, 1);
}

/* A number that is often an interesting one: small, one bit, all ones, around a power of two. */
uint64_t fuzz_number(struct fuzz_input *in);

/*
 * A target whose input is mostly a file takes its few parameters off the END, so that a seed is
 * the file itself and then the parameters. False when the input is shorter than they are.
 */
MUST_CHECK bool fuzz_tail(const uint8_t *data, size_t *size, size_t bytes, struct fuzz_input *tail);
