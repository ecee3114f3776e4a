/* SPDX-License-Identifier: MIT */
#include "kernel/console/line_ring.h"

#include "lib/bits.h"
#include "lib/fmt.h"

_Static_assert((LINE_RING_BYTES & (LINE_RING_BYTES - 1)) == 0, "positions wrap with their 32 bits");

/* Both give the position behind. */
static uint32_t line_ring_write(struct line_ring *r, uint32_t at, const void *from, size_t size)
{
    const uint8_t *bytes = from;

    for (size_t i = 0; i < size; i++)
        r->bytes[at++ % LINE_RING_BYTES] = bytes[i];
    return at;
}

static uint32_t line_ring_read(const struct line_ring *r, uint32_t at, void *to, size_t size)
{
    uint8_t *bytes = to;

    for (size_t i = 0; i < size; i++)
        bytes[i] = r->bytes[at++ % LINE_RING_BYTES];
    return at;
}

void line_ring_put(struct line_ring *r, uint32_t place, uint64_t when, const char *text, size_t len)
{
    const struct line_mark mark = {
        .place = place, .len = (uint32_t)min_u64(len, LOG_LINE_MAX), .when = when};

    lock_take(&r->lock);
    /* Relaxed: the lock orders producers. */
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    /* Acquire: the consumer has read what we overwrite. */
    const uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

    /* Once one is lost, later ones are too until the loss has been shown: it is shown where it
     * happened. */
    if (LINE_RING_BYTES - (head - tail) < sizeof(mark) + mark.len || atomic_load(&r->lost) > 0) {
        atomic_fetch_add(&r->lost, 1);
    } else {
        head = line_ring_write(r, head, &mark, sizeof(mark));
        head = line_ring_write(r, head, text, mark.len);
        /* Release: who sees the position sees the line. */
        atomic_store_explicit(&r->head, head, memory_order_release);
    }
    lock_release(&r->lock);
}

bool line_ring_first(const struct line_ring *r, struct line_mark *mark)
{
    /* Acquire: pairs with line_ring_put(). Relaxed: our own. */
    const uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    const uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    if (head == tail)
        return false;
    line_ring_read(r, tail, mark, sizeof(*mark));
    return true;
}

uint32_t line_ring_take(struct line_ring *r, const char *prefix, uint8_t line[LINE_RING_LINE])
{
    struct line_mark mark;

    if (line_ring_first(r, &mark)) {
        const size_t len = fmt_print((char *)line, LINE_RING_LINE, "%s", prefix);
        const uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
        /* Release: we have read the line. */
        atomic_store_explicit(&r->tail,
                              line_ring_read(r, tail + sizeof(mark), line + len, mark.len),
                              memory_order_release);
        return (uint32_t)len + mark.len;
    }
    const uint32_t lost = atomic_exchange(&r->lost, 0);
    if (lost == 0)
        return 0;
    return (uint32_t)fmt_print((char *)line, LINE_RING_LINE, "%s%u line%s %s lost here", prefix,
                               lost, fmt_plural(lost), lost == 1 ? "was" : "were");
}

bool line_ring_is_empty(const struct line_ring *r)
{
    return atomic_load(&r->head) == atomic_load(&r->tail) && atomic_load(&r->lost) == 0;
}

uint32_t line_ring_place(const struct line_ring *r)
{
    return atomic_load(&r->head);
}

bool line_ring_is_before(const struct line_ring *r, uint32_t place)
{
    return (int32_t)(place - atomic_load(&r->tail)) > 0;
}
