/* SPDX-License-Identifier: MIT */
#include "kernel/core/trace.h"

#include "lib/string.h"

void trace_reset(struct trace *t)
{
    *t = (struct trace){.next = t->places};
}

uint64_t trace_count(const struct trace *t)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < EXIT_KIND_COUNT; i++)
        count += t->exits[i];
    return count;
}

/* The row `back` rows before row `next`. */
static struct trace_row trace_before(const struct trace *t, uint32_t next, uint32_t back)
{
    const uint32_t i = (next - 1 - back) % TRACE_ROWS;

    return (struct trace_row){
        .time = t->places[i].time,
        .rip = t->places[i].rip,
        .hw_code = t->what[i].word & 0xffff,
        .kind = (uint8_t)(t->what[i].word >> 16),
        .verdict = (uint8_t)(t->what[i].word >> 24),
    };
}

struct trace_row trace_row(const struct trace *t, uint32_t back)
{
    return trace_before(t, trace_next(t), back);
}

uint32_t trace_copy(const struct trace *t, struct trace_row rows[TRACE_ROWS])
{
    const uint64_t exits = trace_count(t);
    const uint32_t count = exits < TRACE_ROWS ? (uint32_t)exits : TRACE_ROWS;
    const uint32_t next = trace_next(t);
    uint32_t back;

    /* The latest first: what the owning core writes meanwhile takes the places of the oldest rows,
     * and shows there as a row that is later than the one after it. */
    for (back = 0; back < count; back++) {
        struct trace_row *row = &rows[TRACE_ROWS - 1 - back];
        *row = trace_before(t, next, back);
        if (back > 0 && row[0].time > row[1].time)
            break;
    }
    memmove(rows, rows + TRACE_ROWS - back, back * sizeof(*rows));
    return back;
}
