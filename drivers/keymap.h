/* SPDX-License-Identifier: MIT */
/*
 * keymap: what a PS/2 keyboard sends → what a serial terminal would have sent: ASCII of the US
 * layout, and escape sequences for the keys that have no character. Pure.
 * Scan code set 1, as the 8042 translates to it: IBM "Personal System/2 Hardware Interface
 * Technical Reference", "Keyboard and Auxiliary Device Controller". Sequences: ECMA-48.
 */
#pragma once

#include "lib/types.h"

#define KEYMAP_BYTES_MAX 4 /* of one key: ESC [ 3 ~ */

struct keymap {
    uint8_t held;       /* modifiers that are down, as keymap.c counts them */
    bool caps, numbers; /* toggled by Caps Lock and Num Lock */
    bool extended;      /* the byte before was 0xe0 */
    uint8_t swallow;    /* bytes left of a Pause key, which has no code of its own */
};

/* No key is down; Num Lock is on, as firmware leaves it. */
void keymap_init(struct keymap *k);

/* One byte from the keyboard; returns how many bytes of text it makes, often none. */
size_t keymap_feed(struct keymap *k, uint8_t code, uint8_t text[KEYMAP_BYTES_MAX]);
