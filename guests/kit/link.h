/* SPDX-License-Identifier: MIT */
/*
 * link: a ring of bytes from one guest to another, in a window that both can write: one producer,
 * one consumer, no lock and no exit. Windows are zero when the first of their guests starts, and a
 * ring of zeroes is an empty one, so nobody has to make it. The other side is not trusted: whatever
 * it writes, nothing outside of the ring is read or written; what comes out may be nonsense.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

/* In the window. Counters run freely; each in a cache line of its own. */
struct link_shared {
    ALIGNED(64) _Atomic uint32_t head; /* bytes put so far: the producer's */
    ALIGNED(64) _Atomic uint32_t tail; /* bytes taken so far: the consumer's */
    ALIGNED(64) uint8_t bytes[];
};

struct link_ring {
    struct link_shared *shared;
    uint32_t size; /* bytes of it, a power of two */
};

/* The ring in `size` bytes of a window, from `at` on: the largest power of two that fits behind its
 * counters. */
static inline struct link_ring link_ring(uint64_t at, uint64_t size)
{
    struct link_ring ring = {.shared = (struct link_shared *)at, .size = 1};

    while (2 * (uint64_t)ring.size <= size - sizeof(struct link_shared) && ring.size < 1u << 30)
        ring.size *= 2;
    return ring;
}

/* Bytes that wait. More than fit are the other side's nonsense: then none do. */
static inline uint32_t link_waiting(const struct link_ring *r)
{
    /* Acquire: who sees the counter sees the bytes before it. */
    const uint32_t head = atomic_load_explicit(&r->shared->head, memory_order_acquire);
    const uint32_t tail = atomic_load_explicit(&r->shared->tail, memory_order_acquire);

    return head - tail <= r->size ? head - tail : 0;
}

/* Puts all of it, or nothing where it does not fit now: then false. `ring`: the consumer may have
 * found the ring empty before, and sleep: its doorbell is due. Producer only. */
static inline bool link_put(const struct link_ring *r, const void *data, uint32_t len, bool *ring)
{
    const uint32_t head = atomic_load_explicit(&r->shared->head, memory_order_relaxed);
    const uint32_t used = head - atomic_load_explicit(&r->shared->tail, memory_order_acquire);
    const uint8_t *from = data;

    if (used > r->size || len > r->size - used)
        return false;
    for (uint32_t i = 0; i < len; i++)
        r->shared->bytes[(head + i) & (r->size - 1)] = from[i];
    /* Release: the bytes come before the counter. */
    atomic_store_explicit(&r->shared->head, head + len, memory_order_release);
    /* This fence and that of link_get(): the consumer sees our bytes, or we that it took all
     * before them. */
    atomic_thread_fence(memory_order_seq_cst);
    *ring = atomic_load_explicit(&r->shared->tail, memory_order_relaxed) == head;
    return true;
}

/* Takes `len` bytes, or nothing where there are fewer: then what is put later rings. Consumer only.
 */
static inline bool link_get(const struct link_ring *r, void *data, uint32_t len)
{
    const uint32_t tail = atomic_load_explicit(&r->shared->tail, memory_order_relaxed);
    uint8_t *to = data;

    if (link_waiting(r) < len)
        return false;
    for (uint32_t i = 0; i < len; i++)
        to[i] = r->shared->bytes[(tail + i) & (r->size - 1)];
    /* Release: the bytes were read before their place is given back. */
    atomic_store_explicit(&r->shared->tail, tail + len, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    return true;
}
