/* SPDX-License-Identifier: MIT */
#include "kernel/console/notes.h"

#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

_Static_assert((NOTES_MAX & (NOTES_MAX - 1)) == 0, "positions wrap with their 32 bits");

void notes_put(struct notes *n, uint32_t place, uint64_t when, const char *text, size_t len)
{
    lock_take(&n->lock);
    /* Relaxed: the lock orders producers. */
    const uint32_t head = atomic_load_explicit(&n->head, memory_order_relaxed);
    /* Acquire: the consumer has read what we overwrite. */
    const uint32_t tail = atomic_load_explicit(&n->tail, memory_order_acquire);
    struct note *row = &n->rows[head % NOTES_MAX];

    /* Once one is lost, later ones are too until the loss has been shown: it is shown where it
     * happened. */
    if (head - tail == NOTES_MAX || atomic_load(&n->lost) > 0) {
        atomic_fetch_add(&n->lost, 1);
    } else {
        row->place = place;
        row->when = when;
        row->len = (uint32_t)min_u64(len, LOG_LINE_MAX);
        memcpy(row->text, text, row->len);
        /* Release: who sees the position sees the row. */
        atomic_store_explicit(&n->head, head + 1, memory_order_release);
    }
    lock_release(&n->lock);
}

const struct note *notes_first(const struct notes *n)
{
    /* Acquire: pairs with notes_put(). Relaxed: our own. */
    const uint32_t head = atomic_load_explicit(&n->head, memory_order_acquire);
    const uint32_t tail = atomic_load_explicit(&n->tail, memory_order_relaxed);

    return head == tail ? NULL : &n->rows[tail % NOTES_MAX];
}

uint32_t notes_take(struct notes *n, const char *prefix, uint8_t line[NOTES_LINE])
{
    const struct note *row = notes_first(n);
    size_t len = 0;

    if (row) {
        len = fmt_print((char *)line, NOTES_LINE, "%s%.*s", prefix, (int)row->len, row->text);
        /* Release: we have read the row. */
        atomic_fetch_add_explicit(&n->tail, 1, memory_order_release);
        return (uint32_t)len;
    }
    const uint32_t lost = atomic_exchange(&n->lost, 0);
    if (lost > 0)
        len = fmt_print((char *)line, NOTES_LINE, "%s%u line%s %s lost here", prefix, lost,
                        fmt_plural(lost), lost == 1 ? "was" : "were");
    return (uint32_t)len;
}
