/* SPDX-License-Identifier: MIT */
/*
 * escape: finds a terminal's escape sequences in a stream of characters, to leave them out whole.
 * Pure. ECMA-48 "Control functions", ECMA-35 "Escape sequences":
 *   ESC, any number of intermediates 0x20..0x2f, one final 0x30..0x7e;
 *   CSI (ESC [), parameters and intermediates 0x20..0x3f, one final 0x40..0x7e;
 *   DCS, SOS, OSC, PM, APC (ESC P, X, ], ^, _), a string, and ST (ESC \) or, as terminals take it
 *   too, BEL;
 *   SS2, SS3 (ESC N, O) and one character of another set.
 * What ESC and one letter begin or end, a control of C1 (0x80..0x9f) does as well.
 *
 * Bounded twice: a newline ends any sequence and is none of it, and so does the ESCAPE_MAXth
 * character; what follows is text again.
 */
#pragma once

#include "lib/types.h"

#define ESCAPE_MAX 4096 /* characters of one sequence; more than terminals take for a string */

enum escape_state {
    ESCAPE_NONE,
    ESCAPE_BEGUN,  /* after ESC */
    ESCAPE_MORE,   /* after ESC and intermediates */
    ESCAPE_CSI,    /* until its final */
    ESCAPE_STRING, /* until ST */
    ESCAPE_SHIFT,  /* one character more */
};

/* How far into a sequence; all zero: in none. */
struct escape {
    enum escape_state state;
    uint32_t len; /* characters of it so far */
};

/* True when the character belongs to a sequence. `code` is Unicode, or UTF8_BROKEN. A character
 * that cannot be where it is ends the sequence and is none of it. */
bool escape_eats(struct escape *e, uint32_t code);
