/* SPDX-License-Identifier: MIT */
/* walk: reads a word of each cache line. The same code in a guest and on the bare machine. */
#pragma once

#include "lib/types.h"

#define WALK_LINES (16u * 16384) /* 16 MiB */

static inline void walk_lines(const volatile uint64_t *at, uint32_t lines)
{
    for (uint32_t i = 0; i < lines; i++)
        (void)at[(uint64_t)i * 8];
}
