/* SPDX-License-Identifier: MIT */
#include "kernel/console/guest_lines.h"

#include "lib/fmt.h"
#include "lib/time.h"

#define EMPTY_SHOWN 3 /* empty lines in a row that are shown */
#define EMPTY_ROOM  32

#define GUEST_LINES_STEP TX_RECORD_MAX /* bytes that one guest_lines_pump() takes at most */
#define RAW_STEP         8             /* ... and one guest_lines_pump_raw() */
#define DROP_RECORDS     8             /* that one guest_lines_drop() takes at most */

void guest_lines_init(struct guest_lines *s, struct console_stream *stream)
{
    *s = (struct guest_lines){.stream = stream, .speaker.name = stream->name};
}

/* What stands for a character on the terminal. */
static uint32_t guest_lines_filter(uint32_t code)
{
    if (code == '\t' || utf8_is_plain(code))
        return code;
    return code < 0x20 || code == 0x7f ? '.' : '?';
}

static uint32_t guest_lines_columns(uint32_t code)
{
    return code == '\t' ? TEXT_TAB : utf8_width(code);
}

static void guest_lines_put(struct guest_lines *s, struct output *lines, bool more, uint64_t now)
{
    output_put(lines, &s->speaker, s->line, s->len, more, now);
    s->len = s->columns = 0;
}

static void guest_lines_end_line(struct guest_lines *s, struct output *lines, uint64_t now)
{
    guest_lines_put(s, lines, false, now);
    s->stream->lines++;
}

/* An end of line with nothing before it; true: it is not shown. */
static bool guest_lines_folds(struct guest_lines *s, uint64_t now)
{
    if (s->len > 0 || s->speaker.inside)
        return false;
    if (s->empty++ < EMPTY_SHOWN)
        return false;
    if (s->empty == EMPTY_SHOWN + 1)
        s->folded = now;
    s->stream->lines++;
    return true;
}

/* Says how many empty lines were not shown; more of them are not shown either. */
static void guest_lines_unfold(struct guest_lines *s, struct output *lines, uint64_t now)
{
    char text[EMPTY_ROOM];

    if (s->empty <= EMPTY_SHOWN)
        return;
    const size_t len = fmt_print(text, sizeof(text), "... %u empty lines", s->empty - EMPTY_SHOWN);
    output_put(lines, &s->speaker, (const uint8_t *)text, (uint32_t)len, false, now);
    s->empty = EMPTY_SHOWN;
}

static void guest_lines_add(struct guest_lines *s, struct output *lines, uint32_t code,
                            uint64_t now)
{
    const uint32_t columns = guest_lines_columns(code);

    guest_lines_unfold(s, lines, now);
    s->empty = 0;
    if (s->len + UTF8_MAX > GUEST_LINES_LINE_MAX || s->columns + columns > OUTPUT_COLUMNS)
        guest_lines_put(s, lines, true, now);
    s->len += utf8_put(code, s->line + s->len);
    s->columns += columns;
}

static void guest_lines_take_back(struct guest_lines *s)
{
    uint32_t begin = s->len - 1, code;

    while (begin > 0 && (s->line[begin] & 0xc0) == 0x80)
        begin--;
    (void)utf8_get(s->line + begin, s->len - begin, &code);
    s->columns -= guest_lines_columns(code);
    s->len = begin;
}

static void guest_lines_code(struct guest_lines *s, struct output *lines, uint32_t code,
                             uint64_t now)
{
    if (escape_eats(&s->escape, code) || code == '\r' || code == 0)
        return;
    if (code == '\n') {
        if (!guest_lines_folds(s, now))
            guest_lines_end_line(s, lines, now);
        return;
    }
    if (code == '\b' && s->len > 0 && lines->open != &s->speaker) {
        guest_lines_take_back(s);
        return;
    }
    guest_lines_add(s, lines, guest_lines_filter(code), now);
}

static void guest_lines_byte(struct guest_lines *s, struct output *lines, uint8_t byte,
                             uint64_t now)
{
    uint32_t codes[2];
    const uint32_t count = utf8_take(&s->utf8, byte, codes);

    for (uint32_t i = 0; i < count; i++)
        guest_lines_code(s, lines, codes[i], now);
}

/* Shows the line as far as it goes, in the middle of a character if need be. */
static void guest_lines_show(struct guest_lines *s, struct output *lines, uint64_t now)
{
    if (utf8_give_up(&s->utf8))
        guest_lines_code(s, lines, UTF8_BROKEN, now);
    if (s->len > 0)
        guest_lines_put(s, lines, true, now);
    else
        guest_lines_unfold(s, lines, now);
}

void guest_lines_cut(struct guest_lines *s, struct output *lines, uint64_t now)
{
    guest_lines_show(s, lines, now);
    s->utf8 = (struct utf8){0};
    s->escape = (struct escape){0};
    s->empty = 0;
    if (s->speaker.inside)
        guest_lines_end_line(s, lines, now);
}

/* When our line about a guest has waited for its words so long, most of them are left out: a flood
 * cannot hold off the report of its end. The last ones are what matters. A line of 115200 baud has
 * brought out a full ring by then. */
#define NOTE_PATIENCE_S 8
#define LAST_RECORDS    32

static void guest_lines_hasten(struct guest_lines *s, const struct output *lines,
                               const struct line_mark *note, uint64_t now)
{
    uint8_t record[TX_RECORD_MAX];
    size_t len;

    if (ticks_since(now, note->when) < NOTE_PATIENCE_S * lines->tsc_hz)
        return;
    while (tx_before(&s->stream->tx, note->place) > LAST_RECORDS &&
           (len = tx_get(&s->stream->tx, record)) > 0)
        s->dropped += len;
}

/* Where something was dropped; true: it was. */
static bool guest_lines_tell_dropped(struct guest_lines *s, struct output *lines, uint64_t now)
{
    uint8_t line[LINE_RING_LINE];

    if (s->dropped == 0 || s->record_at < s->record_len)
        return false;
    guest_lines_cut(s, lines, now);
    const size_t len =
        fmt_print((char *)line, sizeof(line), OUTPUT_OWN "guest '%s': %llu bytes dropped here",
                  s->stream->name, (unsigned long long)s->dropped);
    s->dropped = 0;
    output_put(lines, NULL, line, (uint32_t)len, false, now);
    return true;
}

/* Our next line about the guest, once all that it said before is out. What it says afterwards can
 * be another life's. */
static bool guest_lines_note(struct guest_lines *s, struct output *lines, uint64_t now)
{
    struct line_mark note;
    uint8_t line[LINE_RING_LINE];

    if (s->record_at < s->record_len)
        return false;
    if (line_ring_first(&s->stream->notes, &note)) {
        guest_lines_hasten(s, lines, &note, now);
        if (guest_lines_tell_dropped(s, lines, now))
            return true;
        if (!guest_lines_has_note(s))
            return false;
    }
    const uint32_t len = line_ring_take(&s->stream->notes, OUTPUT_OWN, line);
    if (len == 0)
        return false;
    guest_lines_cut(s, lines, now);
    output_put(lines, NULL, line, len, false, now);
    return true;
}

/* The next byte that the guest said; `before_note`: before our next line about it, or before
 * something was dropped. */
static bool guest_lines_next(struct guest_lines *s, bool before_note, uint8_t *byte)
{
    if (s->record_at == s->record_len) {
        if (before_note && (guest_lines_has_note(s) || s->dropped > 0))
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

/* What guest_lines_byte() would know behind it. */
static void guest_lines_follow(struct guest_lines *s, uint8_t byte)
{
    uint32_t codes[2];
    const uint32_t count = utf8_take(&s->utf8, byte, codes);

    for (uint32_t i = 0; i < count; i++)
        (void)escape_eats(&s->escape, codes[i]);
    if (byte == '\n')
        s->stream->lines++;
}

bool guest_lines_pump_raw(struct guest_lines *s, struct output *lines)
{
    uint8_t bytes[RAW_STEP];
    uint32_t count = 0;

    while (count < RAW_STEP && guest_lines_next(s, false, &bytes[count]))
        guest_lines_follow(s, bytes[count++]);
    terminal_put_raw(&lines->terminal, bytes, count);
    return count > 0;
}

bool guest_lines_drop(struct guest_lines *s)
{
    uint8_t record[TX_RECORD_MAX];
    size_t len;

    for (uint32_t i = 0; i < DROP_RECORDS; i++) {
        if (tx_has_room(&s->stream->tx, TX_RING_RECORDS / 2) ||
            (len = tx_get(&s->stream->tx, record)) == 0)
            return false;
        s->dropped += len;
        s->stream->bytes += len;
    }
    return true;
}

bool guest_lines_pump(struct guest_lines *s, struct output *lines, uint64_t now, uint64_t partial)
{
    const uint64_t put = lines->terminal.count;
    uint32_t taken = 0;
    uint8_t byte;

    if (guest_lines_tell_dropped(s, lines, now) || guest_lines_note(s, lines, now))
        return true;
    while (taken < GUEST_LINES_STEP && lines->terminal.count == put &&
           guest_lines_next(s, true, &byte)) {
        guest_lines_byte(s, lines, byte, now);
        taken++;
    }
    if (taken > 0)
        s->last = now;
    else if (partial && ticks_since(now, s->last) > partial)
        guest_lines_show(s, lines, now);
    if (lines->terminal.count == put && ticks_since(now, s->folded) > lines->tsc_hz)
        guest_lines_unfold(s, lines, now);
    return taken > 0;
}

bool guest_lines_has_note(const struct guest_lines *s)
{
    struct line_mark note;

    return line_ring_first(&s->stream->notes, &note) && s->record_at == s->record_len &&
           tx_before(&s->stream->tx, note.place) == 0;
}

bool guest_lines_is_empty(const struct guest_lines *s)
{
    return s->record_at == s->record_len && s->dropped == 0 && s->len == 0 &&
           s->empty <= EMPTY_SHOWN && line_ring_is_empty(&s->stream->notes);
}
