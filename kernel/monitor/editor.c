/* SPDX-License-Identifier: MIT */
#include "kernel/monitor/editor.h"

#include "lib/string.h"

#define CTRL(letter) ((letter) - '@')
#define KEY_DELETE   0x7f /* what most terminals send for Backspace */

#define PARAMETER_FOREIGN 1000 /* that of no key, or not only one */

static enum editor_event editor_set(struct editor *e, const char *text)
{
    (void)text_copy(e->line, sizeof(e->line), text);
    e->len = (uint32_t)strlen(e->line);
    e->cursor = e->len;
    return EDITOR_CHANGED;
}

/* Removes the `count` characters before the cursor. */
static enum editor_event editor_erase(struct editor *e, uint32_t count)
{
    if (count == 0)
        return EDITOR_NOTHING;
    memmove(e->line + e->cursor - count, e->line + e->cursor, e->len - e->cursor + 1);
    e->cursor -= count;
    e->len -= count;
    return EDITOR_CHANGED;
}

/* Blanks before the cursor, then the word before them. */
static enum editor_event editor_erase_word(struct editor *e)
{
    uint32_t from = e->cursor;

    while (from > 0 && e->line[from - 1] == ' ')
        from--;
    while (from > 0 && e->line[from - 1] != ' ')
        from--;
    return editor_erase(e, e->cursor - from);
}

static enum editor_event editor_cut(struct editor *e)
{
    e->len = e->cursor;
    e->line[e->len] = '\0';
    return EDITOR_CHANGED;
}

static enum editor_event editor_move(struct editor *e, uint32_t to)
{
    if (to == e->cursor)
        return EDITOR_NOTHING;
    e->cursor = to;
    return EDITOR_CHANGED;
}

static uint32_t editor_oldest(const struct editor *e)
{
    return e->history_count > EDITOR_HISTORY_MAX ? e->history_count - EDITOR_HISTORY_MAX : 0;
}

static enum editor_event editor_recall(struct editor *e, uint32_t at)
{
    e->history_at = at;
    return editor_set(e, at == e->history_count ? "" : e->history[at % EDITOR_HISTORY_MAX]);
}

static enum editor_event editor_older(struct editor *e)
{
    return e->history_at > editor_oldest(e) ? editor_recall(e, e->history_at - 1) : EDITOR_NOTHING;
}

static enum editor_event editor_newer(struct editor *e)
{
    return e->history_at < e->history_count ? editor_recall(e, e->history_at + 1) : EDITOR_NOTHING;
}

static enum editor_event editor_left(struct editor *e)
{
    return editor_move(e, e->cursor > 0 ? e->cursor - 1 : 0);
}

static enum editor_event editor_right(struct editor *e)
{
    return editor_move(e, e->cursor < e->len ? e->cursor + 1 : e->len);
}

/* Delete: the character under the cursor. */
static enum editor_event editor_delete(struct editor *e)
{
    if (e->cursor == e->len)
        return EDITOR_NOTHING;
    e->cursor++;
    return editor_erase(e, 1);
}

/* The final of ESC [, a parameter or none; also what follows ESC O. "3~" is Delete, "1~" and "4~"
 * are Home and End of some. */
static enum editor_event editor_final(struct editor *e, uint32_t final)
{
    const uint32_t parameter = e->parameter;

    if (final == '~') {
        if (parameter == 3)
            return editor_delete(e);
        return parameter == 1   ? editor_move(e, 0)
               : parameter == 4 ? editor_move(e, e->len)
                                : EDITOR_NOTHING;
    }
    if (parameter != 0)
        return EDITOR_NOTHING;
    switch (final) {
    case 'A':
        return editor_older(e);
    case 'B':
        return editor_newer(e);
    case 'C':
        return editor_right(e);
    case 'D':
        return editor_left(e);
    case 'H':
        return editor_move(e, 0);
    case 'F':
        return editor_move(e, e->len);
    default:
        return EDITOR_NOTHING;
    }
}

/* A character of an escape sequence that began or went on in state `before`. One that is not a key
 * has no effect, such as a terminal's answer: ESC [ ? 62 ; 1 c. */
static enum editor_event editor_sequence(struct editor *e, enum escape_state before, uint32_t code)
{
    if (before != ESCAPE_CSI && before != ESCAPE_SHIFT) {
        e->parameter = 0;
        return EDITOR_NOTHING;
    }
    if (e->escape.state == ESCAPE_NONE)
        return editor_final(e, code);
    if (before == ESCAPE_CSI && e->escape.state == ESCAPE_CSI) {
        const bool is_key = code >= '0' && code <= '9' && e->parameter < PARAMETER_FOREIGN / 10;
        e->parameter = is_key ? 10 * e->parameter + (code - '0') : PARAMETER_FOREIGN;
    }
    return EDITOR_NOTHING;
}

static enum editor_event editor_control(struct editor *e, uint8_t byte)
{
    switch (byte) {
    case '\r':
    case '\n':
        return EDITOR_ENTER;
    case '\t':
        return EDITOR_TAB;
    case '\b':
    case KEY_DELETE:
        return editor_erase(e, e->cursor > 0 ? 1 : 0);
    case CTRL('A'):
        return editor_move(e, 0);
    case CTRL('E'):
        return editor_move(e, e->len);
    case CTRL('K'):
        return editor_cut(e);
    case CTRL('U'):
        return editor_erase(e, e->cursor);
    case CTRL('W'):
        return editor_erase_word(e);
    case CTRL('C'):
        return editor_recall(e, e->history_count);
    case CTRL('R'):
        return EDITOR_ATTACH;
    case CTRL('P'):
        return editor_older(e);
    case CTRL('N'):
        return editor_newer(e);
    default:
        return EDITOR_NOTHING;
    }
}

static enum editor_event editor_code(struct editor *e, uint32_t code)
{
    const enum escape_state before = e->escape.state;

    if (code == CTRL('C')) /* also leaves a string that has no end */
        e->escape = (struct escape){0};
    else if (escape_eats(&e->escape, code))
        return editor_sequence(e, before, code);
    if (code < 0x20 || code == KEY_DELETE)
        return editor_control(e, (uint8_t)code);
    if (code > 0x7e || e->len + 1 >= EDITOR_LINE_MAX)
        return EDITOR_NOTHING;
    const char text[2] = {(char)code, '\0'};
    editor_insert(e, text);
    return EDITOR_CHANGED;
}

enum editor_event editor_key(struct editor *e, uint8_t byte)
{
    enum editor_event event = EDITOR_NOTHING;
    uint32_t codes[2];
    const uint32_t count = utf8_take(&e->utf8, byte, codes);

    for (uint32_t i = 0; i < count; i++) /* only the last one can be more than UTF8_BROKEN */
        event = editor_code(e, codes[i]);
    return event;
}

void editor_insert(struct editor *e, const char *text)
{
    for (; *text && e->len + 1 < EDITOR_LINE_MAX; text++) {
        memmove(e->line + e->cursor + 1, e->line + e->cursor, e->len - e->cursor + 1);
        e->line[e->cursor++] = *text;
        e->len++;
    }
}

void editor_take(struct editor *e, char out[EDITOR_LINE_MAX])
{
    const char *newest = e->history[(e->history_count - 1) % EDITOR_HISTORY_MAX];

    memcpy(out, e->line, EDITOR_LINE_MAX);
    if (e->len > 0 && (e->history_count == 0 || !text_equal(newest, e->line)))
        memcpy(e->history[e->history_count++ % EDITOR_HISTORY_MAX], e->line, EDITOR_LINE_MAX);
    (void)editor_recall(e, e->history_count);
}
