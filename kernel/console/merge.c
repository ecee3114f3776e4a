/* SPDX-License-Identifier: MIT */
#include "kernel/console/merge.h"

/* A step is a line of ours or one of these. */
#define MERGE_ROOM (GUEST_LINES_ROOM + LINE_RING_LINE)
_Static_assert(OUTPUT_NAME_MAX == GUEST_NAME_MAX, "a prefix holds a guest's name");
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

bool merge_step(struct merge *m, const char *prefix, uint64_t now, uint64_t partial)
{
    if (!merge_has_room(m))
        return false;
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
    if (m->lines.terminal.head != m->lines.terminal.tail || !line_ring_is_empty(&m->log))
        return true;
    for (uint32_t i = 0; i < m->guest_lines_count; i++) {
        if (!guest_lines_is_empty(&m->sources[i]))
            return true;
    }
    return false;
}
