/* SPDX-License-Identifier: MIT */
/*
 * line: see the header. Pure.
 */
#include "boot/line.h"

#include "kernel/config/text_span.h"
#include "lib/string.h"

#define LINE_BACKSPACE 8
#define LINE_DELETE    0x7f /* Backspace of many terminals */

void line_begin(struct line *line, const char *text)
{
    *line = (struct line){.len = (uint32_t)strlen(text)};
    memcpy(line->text, text, line->len);
    line->at = line->len;
}

void line_trim(struct line *line)
{
    const struct span s = span_trim(span_of(line->text));

    memmove(line->text, s.at, s.len);
    line->text[s.len] = '\0';
    line->len = line->at = (uint32_t)s.len;
}

static void line_insert(struct line *line, char c)
{
    if (line->len == sizeof(line->text) - 1)
        return;
    memmove(line->text + line->at + 1, line->text + line->at, line->len - line->at + 1);
    line->text[line->at++] = c;
    line->len++;
}

/* The character at the cursor. */
static void line_remove(struct line *line)
{
    if (line->at == line->len)
        return;
    memmove(line->text + line->at, line->text + line->at + 1, line->len - line->at);
    line->len--;
}

static enum line_end line_scan_key(struct line *line, uint16_t scan)
{
    if (scan == SCAN_CODE_ESC)
        return LINE_DROPPED;
    if (scan == SCAN_CODE_LEFT)
        line->at -= line->at > 0;
    else if (scan == SCAN_CODE_RIGHT)
        line->at += line->at < line->len;
    else if (scan == SCAN_CODE_HOME)
        line->at = 0;
    else if (scan == SCAN_CODE_END)
        line->at = line->len;
    else if (scan == SCAN_CODE_DELETE)
        line_remove(line);
    return LINE_GOES_ON;
}

enum line_end line_key(struct line *line, uint16_t scan, uint16_t c)
{
    if (c == 0)
        return line_scan_key(line, scan);
    if (line_is_enter(c))
        return LINE_ACCEPTED;
    if ((c == LINE_BACKSPACE || c == LINE_DELETE) && line->at > 0) {
        line->at--;
        line_remove(line);
    } else if (c >= ' ' && c <= '~') {
        line_insert(line, (char)c);
    }
    return LINE_GOES_ON;
}
