/* SPDX-License-Identifier: MIT */
#include "kernel/source.h"

#include "lib/time.h"

/* What a guest may put on the terminal: printable ASCII and tab; escape sequences are left out. No
 * byte above: among them are control characters, alone (0x9b) and as UTF-8 (c2 9b). */
static uint8_t source_filter(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f) ? byte : '.';
}

static void source_byte(struct source *s, struct lines *lines, uint8_t byte, uint64_t now)
{
    if (byte == '\n' || s->len == SOURCE_LINE_MAX) {
        lines_put(lines, s->stream->name, s->line, s->len, false, now);
        s->stream->lines++;
        s->len = 0;
    }
    if (escape_eats(&s->escape, byte) || byte == '\n' || byte == '\r' || byte == 0)
        return;
    if (byte == '\b' && s->len > 0 && lines->open != s->stream->name) {
        s->len--;
        return;
    }
    if (s->len == 0)
        s->since = now;
    s->line[s->len++] = source_filter(byte);
}

bool source_pump(struct source *s, struct lines *lines, uint64_t now, uint64_t partial)
{
    uint8_t record[TX_RECORD_MAX];
    const size_t len = tx_get(&s->stream->tx, record);

    s->stream->bytes += len;
    for (size_t i = 0; i < len; i++)
        source_byte(s, lines, record[i], now);
    if (len == 0 && s->len > 0 && partial && ticks_since(now, s->since) > partial) {
        lines_put(lines, s->stream->name, s->line, s->len, true, now);
        s->len = 0;
    }
    return len > 0;
}
