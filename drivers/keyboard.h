/* SPDX-License-Identifier: MIT */
/*
 * keyboard: the PS/2 keyboard (or a USB one that the firmware passes off as such), polled. Never
 * waits after keyboard_init(). Caller: the holder of the console lock (boot core alone before).
 */
#pragma once

#include "drivers/keymap.h"
#include "lib/types.h"

struct keyboard {
    bool present; /* else every call does nothing */
    struct keymap map;
    uint8_t next, count; /* of text, what has not been fetched yet */
    uint8_t text[KEYMAP_BYTES_MAX];
};

/* Sets the controller up: keyboard on, mouse and interrupts off, scan code set 1. False when there
 * is no controller or it does not answer; takes a quarter of a second at worst. */
MUST_CHECK bool keyboard_init(struct keyboard *k);

/* One byte of what was typed, if there is one. */
MUST_CHECK bool keyboard_get(struct keyboard *k, uint8_t *byte);
