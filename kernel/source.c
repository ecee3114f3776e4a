/* SPDX-License-Identifier: MIT */
#include "kernel/source.h"

#include "lib/fmt.h"
#include "lib/time.h"

/* What a guest may put on the terminal: printable ASCII and tab; escape sequences are left out. No
 * byte above: among them are control characters, alone (0x9b) and as UTF-8 (c2 9b). */
static uint8_t source_filter(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f) ? byte : '.';
}

/* What has no newline yet is a line all the same. */
static void source_end_line(struct source *s, struct lines *lines, uint64_t now)
{
    if (s->len == 0)
        return;
    lines_put(lines, s->stream->name, s->line, s->len, false, now);
    s->stream->lines++;
    s->len = 0;
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

/* When our line about a guest has waited for its words so long, most of them are left out: a flood
 * cannot hold off the report of its end. The last ones are what matters. */
#define NOTE_PATIENCE_S 2
#define LAST_RECORDS    32

static void source_hasten(struct source *s, struct lines *lines, const struct note *note,
                          uint64_t now)
{
    uint8_t record[TX_RECORD_MAX], line[NOTES_LINE];
    size_t bytes = 0, len;

    if (ticks_since(now, note->when) < NOTE_PATIENCE_S * lines->tsc_hz)
        return;
    while (tx_before(&s->stream->tx, note->place) > LAST_RECORDS &&
           (len = tx_get(&s->stream->tx, record)) > 0)
        bytes += len;
    if (bytes == 0)
        return;
    source_end_line(s, lines, now);
    len = fmt_print((char *)line, sizeof(line), LINES_OWN "guest '%s': %llu bytes left out here",
                    s->stream->name, (unsigned long long)bytes);
    lines_put(lines, NULL, line, (uint32_t)len, false, now);
}

/* Our next line about the guest, once all that it said before is out. What it says afterwards can
 * be another life's, so nothing of a line or of an escape sequence goes on. */
static bool source_note(struct source *s, struct lines *lines, uint64_t now)
{
    struct notes *notes = &s->stream->notes;
    const struct note *note = notes_first(notes);
    uint8_t line[NOTES_LINE];

    if (note) {
        source_hasten(s, lines, note, now);
        if (tx_before(&s->stream->tx, note->place) > 0)
            return false;
    }
    const uint32_t len = notes_take(notes, LINES_OWN, line);
    if (len == 0)
        return false;
    source_end_line(s, lines, now);
    s->escape = ESCAPE_NONE;
    lines_put(lines, NULL, line, len, false, now);
    return true;
}

bool source_pump(struct source *s, struct lines *lines, uint64_t now, uint64_t partial)
{
    if (source_note(s, lines, now))
        return true;
    uint8_t record[TX_RECORD_MAX];
    const size_t len = tx_get(&s->stream->tx, record);

    s->stream->bytes += len;
    for (size_t i = 0; i < len; i++)
        source_byte(s, lines, record[i], now);
    if (len == 0 && s->len > 0 && partial && now - s->since > partial) {
        lines_put(lines, s->stream->name, s->line, s->len, true, now);
        s->len = 0;
    }
    return len > 0;
}

bool source_has_note(const struct source *s)
{
    const struct note *note = notes_first(&s->stream->notes);

    return note && tx_before(&s->stream->tx, note->place) == 0;
}
