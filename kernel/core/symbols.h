/* SPDX-License-Identifier: MIT */
/*
 * symbols: the names of our own functions, for the panic's backtrace. The data is generated from
 * the linked image by scripts/symbols and linked into it; kernel/core/panic.c searches it by
 * halving.
 */
#pragma once

#include "lib/types.h"

struct symbol {
    uint32_t offset; /* of the function's first byte from the image's */
    uint32_t name;   /* where its name starts in symbol_names */
};

/* Ascending by offset, no two alike. A function reaches to the next one's offset. */
extern const struct symbol symbols[];
extern const uint32_t symbol_count; /* 0 in the first of the two links */
extern const char symbol_names[];   /* each ends with NUL */
