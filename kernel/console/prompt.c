/* SPDX-License-Identifier: MIT */
#include "kernel/console/prompt.h"

#include "lib/bits.h"
#include "lib/string.h"

static uint32_t prompt_repeat(char *out, char byte, uint32_t count)
{
    memset(out, byte, count);
    return count;
}

void prompt_set(struct prompt *p, const char *text, uint32_t len, uint32_t cursor)
{
    struct prompt_text *w = &p->wanted;

    w->len = (uint32_t)min_u64(len, PROMPT_MAX);
    w->cursor = (uint32_t)min_u64(cursor, w->len);
    memcpy(w->text, text, w->len);
}

/* From where the two differ, or from the cursor if that is before, to the end; blanks over what was
 * longer; back to the cursor. At most 4 * PROMPT_MAX: back, text with blanks, and back twice. */
uint32_t prompt_show(struct prompt *p, char out[PROMPT_ROOM])
{
    const struct prompt_text *w = &p->wanted;
    struct prompt_text *s = &p->shown;
    uint32_t same = 0, len = 0;

    if (!p->is_shown)
        s->len = s->cursor = 0;
    while (same < w->len && same < s->len && w->text[same] == s->text[same])
        same++;
    if (same < w->len || same < s->len) {
        const uint32_t blanks = s->len > w->len ? s->len - w->len : 0;
        const uint32_t from = (uint32_t)min_u64(same, s->cursor);
        len += prompt_repeat(out + len, '\b', s->cursor - from);
        memcpy(out + len, w->text + from, w->len - from);
        len += w->len - from;
        len += prompt_repeat(out + len, ' ', blanks);
        len += prompt_repeat(out + len, '\b', blanks + w->len - w->cursor);
    } else if (w->cursor > s->cursor) {
        len = w->cursor - s->cursor;
        memcpy(out, w->text + s->cursor, len);
    } else {
        len = prompt_repeat(out, '\b', s->cursor - w->cursor);
    }
    *s = *w;
    p->is_shown = true;
    return len;
}

uint32_t prompt_hide(struct prompt *p, char out[PROMPT_ROOM])
{
    uint32_t len = 0;

    if (!p->is_shown)
        return 0;
    out[len++] = '\r';
    len += prompt_repeat(out + len, ' ', p->shown.len);
    out[len++] = '\r';
    p->is_shown = false;
    return len;
}
