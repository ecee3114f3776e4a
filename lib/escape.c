/* SPDX-License-Identifier: MIT */
#include "lib/escape.h"

#define BEL    0x07
#define CANCEL 0x18 /* CAN and SUB break a sequence off, without a word */
#define SUB    0x1a
#define ESC    0x1b
#define DEL    0x7f /* fills time, also within a sequence */
#define ST     0x9c

/* What a control of C1 begins; ESC and the letter 0x40 below stand for the same. */
static enum escape_state escape_begun_by(uint32_t c1)
{
    switch (c1) {
    case 0x8e: /* SS2 */
    case 0x8f: /* SS3 */
        return ESCAPE_SHIFT;
    case 0x90: /* DCS */
    case 0x98: /* SOS */
    case 0x9d: /* OSC */
    case 0x9e: /* PM */
    case 0x9f: /* APC */
        return ESCAPE_STRING;
    case 0x9b:
        return ESCAPE_CSI;
    default:
        return ESCAPE_NONE;
    }
}

/* Within a sequence, and nothing that ends any: whether `code` belongs to it, and what comes then.
 */
static bool escape_goes_on(struct escape *e, uint32_t code)
{
    const enum escape_state before = e->state;
    const uint32_t first_final = before == ESCAPE_CSI ? 0x40 : 0x30;

    if (before == ESCAPE_STRING) {
        e->state = code == ST ? ESCAPE_NONE : ESCAPE_STRING;
        return true;
    }
    if (code == DEL)
        return true;
    e->state = ESCAPE_NONE;
    if (code < 0x20 || code > 0x7e)
        return false;
    if (before != ESCAPE_SHIFT && code < first_final)
        e->state = before == ESCAPE_BEGUN ? ESCAPE_MORE : before;
    else if (before == ESCAPE_BEGUN)
        e->state = escape_begun_by(code + 0x40);
    return true;
}

bool escape_eats(struct escape *e, uint32_t code)
{
    const bool inside = e->state != ESCAPE_NONE;

    e->len = inside ? e->len + 1 : 1;
    if (code == ESC) {
        *e = (struct escape){ESCAPE_BEGUN, 1};
        return true;
    }
    if (inside && (code == CANCEL || code == SUB || (code == BEL && e->state == ESCAPE_STRING))) {
        e->state = ESCAPE_NONE;
        return true;
    }
    if (inside && code != '\n' && escape_goes_on(e, code)) {
        if (e->len >= ESCAPE_MAX)
            e->state = ESCAPE_NONE;
        return true;
    }
    e->state = escape_begun_by(code);
    e->len = 1;
    return e->state != ESCAPE_NONE;
}
