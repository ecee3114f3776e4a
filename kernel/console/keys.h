/* SPDX-License-Identifier: MIT */
/*
 * keys: finds the monitor's key among the bytes that are typed, however the terminal reports it.
 * Pure.
 *
 * A program can ask a terminal to report keys as escape sequences. A guest that has the terminal
 * for itself could do so to take the key away; so it is also known in these forms:
 *   CSI 27 ; 5 ; 116 ~   xterm's modifyOtherKeys: Ctrl and 't'
 *   CSI 116 ; 5 u        the same with formatOtherKeys, and kitty's keyboard protocol, with more
 *                        fields, sub-parameters, and the bits of Caps Lock and Num Lock
 *   CSI v;s;20;1;c;r _   win32-input-mode: character 20, key down
 */
#pragma once

#include "lib/types.h"

#define KEYS_KEY        0x14
#define KEYS_NAME       "Ctrl-T"
#define KEYS_PARAMETERS 4 /* that matter */

enum keys_state { KEYS_NONE, KEYS_ESCAPE, KEYS_CSI };

/* How far into a sequence; all zero at first. */
struct keys {
    enum keys_state state;
    bool skips;  /* a sub-parameter, which does not matter */
    uint32_t at; /* the parameter that is coming in */
    uint32_t parameters[KEYS_PARAMETERS];
};

/* True: with this byte the key has been pressed. */
bool keys_press(struct keys *k, uint8_t byte);
