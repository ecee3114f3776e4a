/* SPDX-License-Identifier: MIT */
/*
 * symbols: the names of our own functions, for the panic's backtrace. The data is generated from
 * the linked image by scripts/symbols and linked into it; kernel/core/panic.c walks through it.
 */
#pragma once

#include "lib/types.h"

/* One function after the other from the image's first byte on, each as long as to the next one's
 * beginning, so that neither offsets nor places of names have to be kept. */
extern const uint16_t symbol_sizes[]; /* bytes */
extern const uint32_t symbol_count;   /* 0 in the first of the two links */
extern const char symbol_names[];     /* each ends with NUL */
