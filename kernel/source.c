/* SPDX-License-Identifier: MIT */
#include "kernel/source.h"

#include "lib/fmt.h"
#include "lib/time.h"

#define EMPTY_SHOWN 3 /* empty lines in a row that are shown */
#define EMPTY_ROOM  32

#define SOURCE_STEP TX_RECORD_MAX /* bytes that one source_pump() takes at most */

/* What a guest may put on the terminal: printable ASCII and tab; escape sequences are left out. No
 * byte above: among them are control characters, alone (0x9b) and as UTF-8 (c2 9b). */
static uint8_t source_filter(uint8_t byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f) ? byte : '.';
}

static void source_end_line(struct source *s, struct lines *lines, uint64_t now)
{
    lines_put(lines, s->stream->name, s->line, s->len, false, now);
    s->stream->lines++;
    s->len = 0;
}

/* An end of line with nothing before it; true: it is not shown. */
static bool source_folds(struct source *s, uint64_t now)
{
    if (s->empty++ < EMPTY_SHOWN)
        return false;
    if (s->empty == EMPTY_SHOWN + 1)
        s->folded = now;
    s->stream->lines++;
    return true;
}

/* Says how many empty lines were not shown; more of them are not shown either. */
static void source_unfold(struct source *s, struct lines *lines, uint64_t now)
{
    char text[EMPTY_ROOM];

    if (s->empty > EMPTY_SHOWN) {
        const size_t len =
            fmt_print(text, sizeof(text), "... %u empty lines", s->empty - EMPTY_SHOWN);
        lines_put(lines, s->stream->name, (const uint8_t *)text, (uint32_t)len, false, now);
        s->empty = EMPTY_SHOWN;
    }
}

static void source_byte(struct source *s, struct lines *lines, uint8_t byte, uint64_t now)
{
    if (byte == '\n' || s->len == SOURCE_LINE_MAX) {
        const bool is_empty = s->len == 0 && lines->open != s->stream->name;
        if (is_empty && source_folds(s, now))
            return;
        source_end_line(s, lines, now);
    }
    if (escape_eats(&s->escape, byte) || byte == '\n' || byte == '\r' || byte == 0)
        return;
    if (byte == '\b' && s->len > 0 && lines->open != s->stream->name) {
        s->len--;
        return;
    }
    if (s->len == 0)
        s->since = now;
    source_unfold(s, lines, now);
    s->empty = 0;
    s->line[s->len++] = source_filter(byte);
}

/* What is not finished has waited for so long. */
static void source_show_partial(struct source *s, struct lines *lines, uint64_t now,
                                uint64_t partial)
{
    if (s->len > 0 && ticks_since(now, s->since) > partial) {
        lines_put(lines, s->stream->name, s->line, s->len, true, now);
        s->len = 0;
    } else if (s->empty > EMPTY_SHOWN && ticks_since(now, s->folded) > partial) {
        source_unfold(s, lines, now);
    }
}

/* What has no newline yet is a line all the same. */
static void source_end_text(struct source *s, struct lines *lines, uint64_t now)
{
    if (s->len > 0)
        source_end_line(s, lines, now);
    else
        source_unfold(s, lines, now);
    s->empty = 0;
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
    source_end_text(s, lines, now);
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

    if (s->record_at < s->record_len)
        return false;
    if (note) {
        source_hasten(s, lines, note, now);
        if (!source_has_note(s))
            return false;
    }
    const uint32_t len = notes_take(notes, LINES_OWN, line);
    if (len == 0)
        return false;
    source_end_text(s, lines, now);
    s->escape = ESCAPE_NONE;
    lines_put(lines, NULL, line, len, false, now);
    return true;
}

/* The next byte that the guest said before our next line about it. */
static bool source_next(struct source *s, uint8_t *byte)
{
    if (s->record_at == s->record_len) {
        if (source_has_note(s))
            return false;
        s->record_at = 0;
        s->record_len = (uint32_t)tx_get(&s->stream->tx, s->record);
        s->stream->bytes += s->record_len;
    }
    if (s->record_at == s->record_len)
        return false;
    *byte = s->record[s->record_at++];
    return true;
}

bool source_pump(struct source *s, struct lines *lines, uint64_t now, uint64_t partial)
{
    const uint64_t put = lines->terminal.put;
    uint32_t taken = 0;
    uint8_t byte;

    if (source_note(s, lines, now))
        return true;
    while (taken < SOURCE_STEP && lines->terminal.put == put && source_next(s, &byte)) {
        source_byte(s, lines, byte, now);
        taken++;
    }
    if (taken == 0 && partial)
        source_show_partial(s, lines, now, partial);
    else if (s->empty > EMPTY_SHOWN && ticks_since(now, s->folded) > lines->tsc_hz)
        source_unfold(s, lines, now);
    return taken > 0;
}

bool source_has_note(const struct source *s)
{
    const struct note *note = notes_first(&s->stream->notes);

    return note && s->record_at == s->record_len && tx_before(&s->stream->tx, note->place) == 0;
}

bool source_is_empty(const struct source *s)
{
    return s->record_at == s->record_len && s->len == 0 && s->empty <= EMPTY_SHOWN &&
           !notes_first(&s->stream->notes);
}
