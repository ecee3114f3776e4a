/* SPDX-License-Identifier: MIT */
#include "kernel/console/keys.h"

#include "lib/bits.h"

#define ESC             0x1b
#define CSI             0x9b /* in one byte */
#define NUMBER_MAX      9999
#define MODIFIER_CTRL   4
#define MODIFIER_LOCKS  (64 | 128) /* Caps Lock, Num Lock: do not matter */
#define OTHER_KEYS      27
#define WIN32_CHARACTER 2 /* the parameters' places */
#define WIN32_DOWN      3

static bool keys_is_letter(uint32_t code)
{
    return (code | ('t' ^ 'T')) == 't'; /* Caps Lock */
}

/* As it is sent: one more than its bits. */
static bool keys_is_ctrl(uint32_t modifiers)
{
    return modifiers > 0 && ((modifiers - 1) & ~(uint32_t)MODIFIER_LOCKS) == MODIFIER_CTRL;
}

static bool keys_is_report(const struct keys *k, uint8_t final)
{
    const uint32_t *p = k->parameters;

    switch (final) {
    case '~':
        return p[0] == OTHER_KEYS && keys_is_ctrl(p[1]) && keys_is_letter(p[2]);
    case 'u':
        return keys_is_letter(p[0]) && keys_is_ctrl(p[1]);
    case '_':
        return p[WIN32_CHARACTER] == KEYS_KEY && p[WIN32_DOWN] == 1;
    default:
        return false;
    }
}

static void keys_parameter(struct keys *k, uint8_t byte)
{
    if (byte == ';') {
        k->at++;
        k->skips = false;
    } else if (byte == ':') {
        k->skips = true;
    } else if (byte < '0' || byte > '9') {
        k->state = KEYS_NONE; /* such as '?': an answer, and not a key */
    } else if (k->at < KEYS_PARAMETERS && !k->skips) {
        uint32_t *number = &k->parameters[index_masked(k->at, KEYS_PARAMETERS)];
        *number = (uint32_t)min_u64(10 * *number + (byte - '0'), NUMBER_MAX);
    }
}

bool keys_press(struct keys *k, uint8_t byte)
{
    const enum keys_state before = k->state;

    if (byte == KEYS_KEY || byte == ESC) {
        k->state = byte == ESC ? KEYS_ESCAPE : KEYS_NONE;
        return byte == KEYS_KEY;
    }
    if (byte == CSI || (before == KEYS_ESCAPE && byte == '[')) {
        *k = (struct keys){.state = KEYS_CSI};
        return false;
    }
    if (before == KEYS_CSI && byte >= 0x20 && byte < 0x40) {
        keys_parameter(k, byte);
        return false;
    }
    k->state = KEYS_NONE;
    return before == KEYS_CSI && keys_is_report(k, byte);
}
