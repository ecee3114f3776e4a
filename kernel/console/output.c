/* SPDX-License-Identifier: MIT */
#include "kernel/console/output.h"

#include "lib/fmt.h"
#include "lib/time.h"
#include "lib/utf8.h"

/* Redraw the prompt 20 ms after the last line; during a flood, four times a second. */
#define QUIET_PER_SECOND 50
#define FLOOD_PER_SECOND 4

static void output_hide_prompt(struct output *l, uint64_t now)
{
    char bytes[PROMPT_ROOM];

    if (l->prompt.is_shown)
        l->hidden = now;
    terminal_put(&l->terminal, bytes, prompt_hide(&l->prompt, bytes));
}

/* The columns that a row may fill: one less than there are, as not every terminal waits for the
 * next character before it wraps. */
static uint32_t output_columns(const struct output *l)
{
    const struct screen *screen = &l->terminal.screen;

    if (l->terminal.screen_on && screen->text.columns < TERMINAL_COLUMNS)
        return screen->text.columns - 1;
    return TERMINAL_COLUMNS - 1;
}

static void output_begin_row(struct output *l, const struct speaker *speaker)
{
    char prefix[OUTPUT_PREFIX + 1];

    l->column = (uint32_t)fmt_print(prefix, sizeof(prefix), "[%s]%s ", speaker->name,
                                    speaker->inside ? "+" : "");
    terminal_put(&l->terminal, prefix, l->column);
}

static uint32_t output_width(uint32_t code, uint32_t column)
{
    return code == '\t' ? TEXT_TAB - column % TEXT_TAB : utf8_width(code);
}

/* Text that fits into the row so far goes out in one piece, then the next row begins. */
static void output_put_rows(struct output *l, struct speaker *speaker, const uint8_t *text,
                            uint32_t len)
{
    const uint32_t columns = output_columns(l);
    uint32_t begin = 0, next, code;

    for (uint32_t at = 0; at < len; at = next) {
        next = at + utf8_get(text + at, len - at, &code);
        if (l->column + output_width(code, l->column) > columns) {
            terminal_put(&l->terminal, text + begin, at - begin);
            terminal_put(&l->terminal, "\n", 1);
            speaker->inside = true;
            output_begin_row(l, speaker);
            begin = at;
        }
        l->column += output_width(code, l->column);
    }
    terminal_put(&l->terminal, text + begin, len - begin);
}

static void output_put_speaker(struct output *l, struct speaker *speaker, const uint8_t *text,
                               uint32_t len, bool more)
{
    const bool stands = l->open == speaker && speaker->inside;

    if (l->open && !stands)
        terminal_put(&l->terminal, "\n", 1);
    /* Where only its end is missing of a line that does not stand there any more, that has been
     * seen to. */
    if (stands || !speaker->inside || len > 0 || more) {
        if (!stands)
            output_begin_row(l, speaker);
        output_put_rows(l, speaker, text, len);
        if (!more)
            terminal_put(&l->terminal, "\n", 1);
    }
    speaker->inside = more;
    l->open = more ? speaker : NULL;
}

void output_put(struct output *l, struct speaker *speaker, const uint8_t *text, uint32_t len,
                bool more, uint64_t now)
{
    output_hide_prompt(l, now);
    l->put = now;
    if (speaker) {
        output_put_speaker(l, speaker, text, len, more);
        return;
    }
    if (l->open)
        terminal_put(&l->terminal, "\n", 1);
    l->open = NULL;
    terminal_put(&l->terminal, text, len);
    terminal_put(&l->terminal, "\n", 1);
}

/* While a command prints, or a guest does, the prompt would only flicker. */
static bool output_prompt_is_due(const struct output *l, bool lines_wait, uint64_t now)
{
    if (l->prompt.is_shown || ticks_since(now, l->hidden) > l->tsc_hz / FLOOD_PER_SECOND)
        return true;
    return !lines_wait && ticks_since(now, l->put) > l->tsc_hz / QUIET_PER_SECOND;
}

void output_prompt(struct output *l, bool wanted, bool lines_wait, uint64_t now)
{
    char bytes[PROMPT_ROOM];

    if (terminal_room(&l->terminal) < PROMPT_ROOM)
        return;
    if (!wanted) {
        output_hide_prompt(l, now);
        return;
    }
    if (!output_prompt_is_due(l, lines_wait, now))
        return;
    if (l->open)
        terminal_put(&l->terminal, "\n", 1);
    l->open = NULL;
    terminal_put(&l->terminal, bytes, prompt_show(&l->prompt, bytes));
}
