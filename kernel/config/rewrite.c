/* SPDX-License-Identifier: MIT */
/*
 * rewrite: see the header. Lines are counted as the parser counts them. Pure.
 */
#include "kernel/config/rewrite.h"

#include "kernel/config/text_span.h"
#include "lib/string.h"

struct rewrite {
    char *out;
    size_t room;
    size_t len;
    bool full;
};

static void rewrite_add(struct rewrite *w, struct span s)
{
    if (s.len > w->room - w->len)
        w->full = true;
    if (w->full)
        return;
    memcpy(w->out + w->len, s.at, s.len);
    w->len += s.len;
}

static void rewrite_key(struct rewrite *w, const char *cmdline)
{
    if (cmdline[0] == '\0')
        return;
    rewrite_add(w, span_of("cmdline = "));
    rewrite_add(w, span_of(cmdline));
}

size_t rewrite_cmdline(const char *text, size_t size, const struct config_guest *guest,
                       const char *cmdline, char *out, size_t room)
{
    struct rewrite w = {.out = out, .room = room};
    struct span rest = {.at = text, .len = size};
    uint32_t line = 1;

    for (; line < guest->cmdline_line && rest.len > 0; line++) {
        const size_t len = span_find(rest, '\n');

        rewrite_add(&w, (struct span){.at = rest.at, .len = len < rest.len ? len + 1 : len});
        rest = span_from(rest, len + 1);
    }
    const size_t len = span_find(rest, '\n');
    const bool returns = len > 0 && rest.at[len - 1] == '\r';
    const struct span end = returns ? span_of("\r\n") : span_of("\n");

    if (guest->cmdline_line == guest->line) { /* behind the header */
        rewrite_add(&w, (struct span){.at = rest.at, .len = returns ? len - 1 : len});
        rewrite_add(&w, cmdline[0] == '\0' ? span_of("") : end);
    }
    rewrite_key(&w, cmdline);
    rewrite_add(&w, len < rest.len ? end : span_of(""));
    rewrite_add(&w, span_from(rest, len + 1));
    return w.full ? 0 : w.len;
}
