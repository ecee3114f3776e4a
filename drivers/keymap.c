/* SPDX-License-Identifier: MIT */
#include "drivers/keymap.h"

#include "lib/bits.h"
#include "lib/string.h"

#define CODE_EXTENDED  0xe0
#define CODE_PAUSE     0xe1 /* e1 1d 45 e1 9d c5: to be swallowed two at a time */
#define CODE_ERROR     0x00 /* both: the keyboard has lost count of what is down */
#define CODE_ERROR_TOO 0xff
#define CODE_BREAK     0x80 /* in a code: the key was released */

enum key_code {
    KEY_CTRL = 0x1d,
    KEY_SHIFT_LEFT = 0x2a,
    KEY_SLASH = 0x35,
    KEY_SHIFT_RIGHT = 0x36,
    KEY_CAPS_LOCK = 0x3a,
    KEY_NUM_LOCK = 0x45,
    KEY_PAD_FIRST = 0x47,
    KEY_PAD_LAST = 0x53,
    KEY_ENTER = 0x1c,
};

enum key_held {
    HELD_SHIFT_LEFT = 1,
    HELD_SHIFT_RIGHT = 2,
    HELD_CTRL_LEFT = 4,
    HELD_CTRL_RIGHT = 8,
};
#define HELD_SHIFT (HELD_SHIFT_LEFT | HELD_SHIFT_RIGHT)
#define HELD_CTRL  (HELD_CTRL_LEFT | HELD_CTRL_RIGHT)

/* By code; 0: no character. Backspace and Enter as terminals have them. */
static const char keys_plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./"
    "\0*\0 ";
static const char keys_shift[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?"
    "\0*\0 ";
_Static_assert(sizeof(keys_plain) == 0x39 + 2, "the space bar is 0x39");
_Static_assert(sizeof(keys_shift) == sizeof(keys_plain), "one for each");

/* The number pad and, with the prefix, the keys between it and the letters. */
static const char pad_numbers[] = "789-456+1230.";
static const char pad_operators[] = "\0\0\0-\0\0\0+";
static const char *const pad_keys[] = {"\033[H",  "\033[A",  "\033[5~", NULL,     "\033[D",
                                       NULL,      "\033[C",  NULL,      "\033[F", "\033[B",
                                       "\033[6~", "\033[2~", "\033[3~"};
_Static_assert(ARRAY_SIZE(pad_keys) == KEY_PAD_LAST - KEY_PAD_FIRST + 1, "one for each");
_Static_assert(sizeof(pad_numbers) == ARRAY_SIZE(pad_keys) + 1, "one for each");

void keymap_init(struct keymap *k)
{
    *k = (struct keymap){.numbers = true};
}

/* True when the key is a modifier, which makes no text. */
static bool keymap_modifier(struct keymap *k, uint8_t key, bool extended, bool down)
{
    uint8_t bit = 0;

    /* With the prefix, the shift keys are made up by the keyboard around other keys. */
    if (key == KEY_SHIFT_LEFT || key == KEY_SHIFT_RIGHT)
        bit = extended ? 0 : key == KEY_SHIFT_LEFT ? HELD_SHIFT_LEFT : HELD_SHIFT_RIGHT;
    else if (key == KEY_CTRL)
        bit = extended ? HELD_CTRL_RIGHT : HELD_CTRL_LEFT;
    else
        return false;
    k->held = (uint8_t)(down ? k->held | bit : k->held & ~bit);
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Ctrl with a character that has a control code; others stay as they are. */
static char keymap_control(char c)
{
    if (is_letter(c) || (c >= '[' && c <= '_'))
        return (char)(c & 0x1f);
    return c;
}

static size_t keymap_character(const struct keymap *k, uint8_t key, uint8_t *text)
{
    const bool shift = k->held & HELD_SHIFT;
    char c;

    if (key >= sizeof(keys_plain) - 1)
        return 0;
    c = keys_plain[key];
    if (shift != (k->caps && is_letter(c)))
        c = keys_shift[key];
    if (c == '\0')
        return 0;
    text[0] = (uint8_t)(k->held & HELD_CTRL ? keymap_control(c) : c);
    return 1;
}

static size_t keymap_pad(const struct keymap *k, uint8_t index, bool extended, uint8_t *text)
{
    const char *sequence = pad_keys[index];
    const bool is_operator = index < sizeof(pad_operators) && pad_operators[index];

    if (!extended && (k->numbers || is_operator)) {
        text[0] = (uint8_t)pad_numbers[index];
        return 1;
    }
    if (!sequence)
        return 0;
    memcpy(text, sequence, strlen(sequence));
    return strlen(sequence);
}

static size_t keymap_key(struct keymap *k, uint8_t key, bool extended, uint8_t *text)
{
    if (key >= KEY_PAD_FIRST && key <= KEY_PAD_LAST)
        return keymap_pad(k, (uint8_t)(key - KEY_PAD_FIRST), extended, text);
    if (extended) /* of the pad: the only ones with a character */
        return key == KEY_ENTER || key == KEY_SLASH ? keymap_character(k, key, text) : 0;
    if (key == KEY_CAPS_LOCK)
        k->caps = !k->caps;
    else if (key == KEY_NUM_LOCK)
        k->numbers = !k->numbers;
    else
        return keymap_character(k, key, text);
    return 0;
}

size_t keymap_feed(struct keymap *k, uint8_t code, uint8_t text[KEYMAP_BYTES_MAX])
{
    const bool extended = k->extended;
    const uint8_t key = code & (uint8_t)~CODE_BREAK;
    const bool down = !(code & CODE_BREAK);

    if (k->swallow > 0) {
        k->swallow--;
        return 0;
    }
    k->extended = code == CODE_EXTENDED;
    if (code == CODE_EXTENDED)
        return 0;
    if (code == CODE_PAUSE) {
        k->swallow = 2;
        return 0;
    }
    if (code == CODE_ERROR || code == CODE_ERROR_TOO) {
        k->held = 0; /* rather nothing than a Ctrl that never ends */
        return 0;
    }
    if (keymap_modifier(k, key, extended, down) || !down)
        return 0;
    return keymap_key(k, key, extended, text);
}
