/* SPDX-License-Identifier: MIT */
/*
 * font: the shape of each printable ASCII character. Pure data.
 */
#pragma once

#include "lib/types.h"

#define FONT_WIDTH  8  /* pixels */
#define FONT_HEIGHT 16 /* pixels */
#define FONT_FIRST  0x20
#define FONT_LAST   0x7e

/* Of character c, at [c - FONT_FIRST]: its rows from the top, leftmost pixel in bit 7. */
extern const uint8_t font[FONT_LAST - FONT_FIRST + 1][FONT_HEIGHT];
