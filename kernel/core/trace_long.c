/* SPDX-License-Identifier: MIT */
#include "kernel/core/trace_long.h"

#include "lib/bits.h"

void trace_long_reset(struct trace_long *t)
{
    for (uint32_t i = 0; i < t->count; i++)
        atomic_store(&t->places[i].number, 0);
    atomic_store(&t->newest, 0);
}

/* Its number comes last: a reader that finds the same one before and after has the whole entry. */
void trace_long_put(struct trace_long *t, uint64_t number, const struct trace_entry *entry)
{
    struct trace_place_long *place = &t->places[number & (t->count - 1)];

    atomic_store(&place->number, 0);
    atomic_thread_fence(memory_order_seq_cst);
    place->entry = *entry;
    atomic_store(&place->number, number);
    atomic_store(&t->newest, number);
}

uint64_t trace_long_first(const struct trace_long *t)
{
    const uint64_t newest = atomic_load(&t->newest);

    return newest - min_u64(newest, t->count) + 1;
}

bool trace_long_get(const struct trace_long *t, uint64_t number, struct trace_entry *entry)
{
    const struct trace_place_long *place = &t->places[number & (t->count - 1)];

    if (number == 0 || atomic_load(&place->number) != number)
        return false;
    *entry = place->entry;
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load(&place->number) == number;
}
