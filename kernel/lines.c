/* SPDX-License-Identifier: MIT */
#include "kernel/lines.h"

#include "lib/fmt.h"
#include "lib/time.h"

/* The prompt is back so soon after the last line; and in a flood of lines after so long without
 * it, so that an operator sees what he types. */
#define QUIET_PER_SECOND 50
#define FLOOD_PER_SECOND 4

static void lines_hide_prompt(struct lines *l, uint64_t now)
{
    char bytes[PROMPT_ROOM];

    if (l->prompt.is_shown)
        l->hidden = now;
    terminal_put(&l->terminal, bytes, prompt_hide(&l->prompt, bytes));
}

void lines_put(struct lines *l, const char *speaker, const uint8_t *text, uint32_t len, bool more,
               uint64_t now)
{
    lines_hide_prompt(l, now);
    l->put = now;
    if (l->open && l->open != speaker)
        terminal_put(&l->terminal, "\n", 1);
    if (speaker && l->open != speaker) {
        char prefix[LINES_NAME_MAX + 4];
        terminal_put(&l->terminal, prefix, fmt_print(prefix, sizeof(prefix), "[%s] ", speaker));
    }
    terminal_put(&l->terminal, text, len);
    if (!more)
        terminal_put(&l->terminal, "\n", 1);
    l->open = more ? speaker : NULL;
}

/* While a command prints, or a guest does, the prompt would only flicker. */
static bool lines_prompt_is_due(const struct lines *l, bool lines_wait, uint64_t now)
{
    if (l->prompt.is_shown || ticks_since(now, l->hidden) > l->tsc_hz / FLOOD_PER_SECOND)
        return true;
    return !lines_wait && ticks_since(now, l->put) > l->tsc_hz / QUIET_PER_SECOND;
}

void lines_prompt(struct lines *l, bool wanted, bool lines_wait, uint64_t now)
{
    char bytes[PROMPT_ROOM];

    if (terminal_room(&l->terminal) < PROMPT_ROOM)
        return;
    if (!wanted) {
        lines_hide_prompt(l, now);
        return;
    }
    if (!lines_prompt_is_due(l, lines_wait, now))
        return;
    if (l->open)
        terminal_put(&l->terminal, "\n", 1);
    l->open = NULL;
    terminal_put(&l->terminal, bytes, prompt_show(&l->prompt, bytes));
}
