/* SPDX-License-Identifier: MIT */
/*
 * vt_colour: the sixteen colours of a small terminal, and the nearest of them to others. Pure.
 */
#pragma once

#include "lib/types.h"

#define VT_COLOUR_BACKGROUND 0 /* where nothing else was asked for */
#define VT_COLOUR_FOREGROUND 7

/* 0x00RRGGBB; the background and the text are those of the other lines on the screen. */
extern const uint32_t vt_colour_palette[16];

/* The nearest to an RGB, and to one of xterm's 256. */
uint8_t vt_colour_nearest(uint32_t rgb);
uint8_t vt_colour_of_256(uint32_t index);
