/* SPDX-License-Identifier: MIT */
#include "lib/escape.h"

#define ASCII_ESCAPE 0x1b

bool escape_eats(enum escape *state, uint8_t byte)
{
    const enum escape before = *state;

    *state = ESCAPE_NONE;
    if (byte == ASCII_ESCAPE) {
        *state = ESCAPE_BEGUN;
        return true;
    }
    if (before == ESCAPE_NONE || byte < 0x20)
        return false;
    if ((before == ESCAPE_BEGUN && byte == '[') || (before == ESCAPE_CSI && byte <= 0x3f))
        *state = ESCAPE_CSI;
    return true;
}
