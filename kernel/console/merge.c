/* SPDX-License-Identifier: MIT */
#include "kernel/console/merge.h"

#include "lib/string.h"

/* A step is a line of ours or one of these. */
#define MERGE_ROOM (GUEST_LINES_ROOM + LINE_RING_LINE)
_Static_assert(OUTPUT_NAME_MAX == GUEST_NAME_MAX, "a prefix holds a guest's name");
_Static_assert(RAW_ORDER_MAX + LINE_RING_LINE <= MERGE_ROOM, "a step may be a raw view's end");
_Static_assert(MERGE_ROOM < TERMINAL_STAGE, "a step must fit the stage");

void merge_init(struct merge *m)
{
    turns_init(&m->turns);
}

uint32_t merge_add(struct merge *m, struct console_stream *stream)
{
    guest_lines_init(&m->sources[m->guest_lines_count], stream);
    turns_add(&m->turns);
    return m->guest_lines_count++;
}

const char *merge_name(const struct merge *m, uint32_t guest)
{
    return guest < m->guest_lines_count ? m->sources[guest].stream->name : "";
}

static bool merge_has_room(const struct merge *m)
{
    return terminal_room(&m->lines.terminal) >= MERGE_ROOM;
}

static bool merge_own_line(struct merge *m, const char *prefix, uint64_t now)
{
    const uint64_t before = m->lines.terminal.count;
    uint8_t line[LINE_RING_LINE];

    const uint32_t len = line_ring_take(&m->log, prefix, line);
    if (len == 0)
        return false;
    output_put(&m->lines, NULL, line, len, false, now);
    turns_charge_own(&m->turns, m->lines.terminal.count - before);
    return true;
}

/* Of the guest whose turn it is. */
static bool merge_guest(struct merge *m, uint64_t now, uint64_t partial)
{
    struct guest_lines *s = &m->sources[m->turns.now];
    const uint64_t before = m->lines.terminal.count;
    const uint64_t taken = s->stream->bytes;

    const bool any =
        guest_lines_pump(s, &m->lines, now, partial) || m->lines.terminal.count != before;
    if (any)
        turns_charge(&m->turns, s->stream->bytes - taken, m->lines.terminal.count - before,
                     guest_lines_has_note(s));
    else
        turns_pass(&m->turns);
    return any;
}

void merge_attach(struct merge *m, uint32_t guest)
{
    if (m->raw.guest)
        return;
    m->raw.guest = &m->sources[guest];
    m->raw.end = RAW_STAYS;
    m->raw.place = line_ring_place(&m->log);
}

void merge_detach(struct merge *m, enum raw_end end)
{
    if (m->raw.end < end)
        m->raw.end = end;
}

/* For each but the one whose view it is. */
static bool merge_drop(struct merge *m)
{
    bool more = false;

    for (uint32_t i = 0; i < m->guest_lines_count; i++) {
        if (&m->sources[i] != m->raw.guest && guest_lines_drop(&m->sources[i]))
            more = true;
    }
    return more;
}

/* A step of one guest's view. */
static bool merge_raw(struct merge *m, const char *prefix, uint64_t now)
{
    struct raw *r = &m->raw;
    const bool drops = merge_drop(m);

    if (!r->is_on && r->end != RAW_ENDS) {
        if (line_ring_is_before(&m->log, r->place))
            return merge_own_line(m, prefix, now) || drops;
        raw_begin(r, &m->lines, now);
        return true;
    }
    if (r->end != RAW_ENDS && guest_lines_pump_raw(r->guest, &m->lines))
        return true;
    if (r->end == RAW_STAYS)
        return drops;
    raw_end(r, &m->lines, now);
    return true;
}

bool merge_step(struct merge *m, const char *prefix, uint64_t now, uint64_t partial)
{
    if (!merge_has_room(m))
        return false;
    if (m->raw.guest)
        return merge_raw(m, prefix, now);
    if (turns_is_own(&m->turns) && merge_own_line(m, prefix, now))
        return true;
    for (uint32_t i = 0; i < m->guest_lines_count; i++) {
        if (merge_guest(m, now, partial))
            return true;
    }
    return !line_ring_is_empty(&m->log); /* all have passed, so now it has credit again */
}

bool merge_is_waiting(const struct merge *m)
{
    const struct raw *r = &m->raw;

    if (m->lines.terminal.head != m->lines.terminal.tail)
        return true;
    if (r->guest) /* the others wait for its end, which is not soon */
        return !r->is_on || r->end != RAW_STAYS;
    if (!line_ring_is_empty(&m->log))
        return true;
    for (uint32_t i = 0; i < m->guest_lines_count; i++) {
        if (!guest_lines_is_empty(&m->sources[i]))
            return true;
    }
    return false;
}

void merge_emergency(struct merge *m, const char *prefix)
{
    struct terminal *t = &m->lines.terminal;
    uint8_t byte = '\n', line[LINE_RING_LINE];
    uint32_t len;

    if (t->head > 0)
        byte = t->stage[(t->head - 1) % TERMINAL_STAGE];
    while (t->tail != t->head)
        uart_put_all(&t->uart, (const char *)&t->stage[t->tail++ % TERMINAL_STAGE], 1);
    terminal_end_raw(t);
    if (m->raw.is_on)
        uart_put_all(&t->uart, raw_order, strlen(raw_order));
    else if (byte != '\n' || m->lines.open || m->lines.prompt.is_shown)
        terminal_emergency(t, "", 0);
    m->lines.open = NULL;
    m->lines.prompt.is_shown = false;
    while ((len = line_ring_take(&m->log, prefix, line)) > 0)
        terminal_emergency(t, (const char *)line, len);
    for (uint32_t i = 0; i < m->guest_lines_count; i++) {
        struct line_ring *notes = &m->sources[i].stream->notes;
        while ((len = line_ring_take(notes, prefix, line)) > 0)
            terminal_emergency(t, (const char *)line, len);
    }
}
