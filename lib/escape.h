/* SPDX-License-Identifier: MIT */
/*
 * escape: finds a terminal's escape sequences in a stream of bytes, to leave them out. Pure.
 * ECMA-48 "Code extension", "Control sequences": ESC with one final byte, or ESC '[' with
 * parameters 0x20..0x3f and a final byte.
 */
#pragma once

#include "lib/types.h"

enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI }; /* how far into a sequence; first: none */

/* True when `byte` is part of a sequence. Any control character ends a broken one, so that it
 * cannot swallow the next line. */
bool escape_eats(enum escape *state, uint8_t byte);
