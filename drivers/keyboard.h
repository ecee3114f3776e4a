/* SPDX-License-Identifier: MIT */
/*
 * keyboard: the PS/2 keyboard (or a USB one that the firmware passes off as such), polled. Never
 * waits after keyboard_init(). Caller: the holder of the console lock (boot core alone before).
 *
 * Where firmware or an embedded controller plays the controller, each read of its ports may be an
 * SMI, which halts all cores. So while nobody types, it is looked at a few times a second only. No
 * key is lost: what the controller has no room for waits in the keyboard, which holds 16 bytes.
 */
#pragma once

#include "drivers/keymap.h"
#include "lib/types.h"

struct keyboard {
    bool present; /* else every call does nothing */
    uint64_t tsc_hz;
    uint64_t looked, typed; /* TSC: when the controller was last asked; when it last had a byte */
    struct keymap map;
    uint8_t next, count; /* of text, what has not been fetched yet */
    uint8_t text[KEYMAP_BYTES_MAX];
};

/* Sets the controller up: keyboard on, mouse and interrupts off, scan code set 1. False when there
 * is no controller or it does not answer; takes a quarter of a second at worst. */
MUST_CHECK bool keyboard_init(struct keyboard *k);

/* A guess counts until it is called. */
void keyboard_set_tick_rate(struct keyboard *k, uint64_t tsc_hz);

/* One byte of what was typed, if there is one, and it is time to look. `now`: TSC. */
MUST_CHECK bool keyboard_get(struct keyboard *k, uint64_t now, uint8_t *byte);
