/* SPDX-License-Identifier: MIT */
/*
 * ring: the two queues between a guest's cores and the console. Lock-free, no waiting, no state
 * but the caller's ring. tx_claim() and tx_publish() are on the exit path of every console call.
 *
 * A position counts up for ever and wraps with its 32 bits; its low bits choose the slot. In tx
 * the slot's `turn` says who may touch the rest of it: equal to the position of a put, that
 * producer; one more, the consumer; a whole lap more, the next producer.
 */
#include "lib/ring.h"

#include "lib/assert.h"

#define TX_MASK (TX_RING_RECORDS - 1)
#define RX_MASK (RX_RING_BYTES - 1)

_Static_assert((TX_RING_RECORDS & TX_MASK) == 0, "slots are chosen by masking");
_Static_assert((RX_RING_BYTES & RX_MASK) == 0, "slots are chosen by masking");
_Static_assert(TX_RECORD_MAX == 6 * sizeof(uint64_t), "tx_get copies six words");
_Static_assert(sizeof(struct tx_record) == 64, "a record is one cache line");

void tx_init(struct tx_ring *r)
{
    for (uint32_t i = 0; i < TX_RING_RECORDS; i++) {
        atomic_init(&r->slots[i].len, 0);
        atomic_init(&r->slots[i].turn, i);
    }
    atomic_init(&r->head, 0);
    atomic_init(&r->refused, 0);
    r->tail = 0;
}

bool tx_has_room(const struct tx_ring *r, uint32_t records)
{
    /* Slots become free in order, so the last of them speaks for all. Only a hint, nothing is
     * read on the strength of it: relaxed throughout. */
    uint32_t pos = atomic_load_explicit(&r->head, memory_order_relaxed) + records - 1;
    uint32_t turn = atomic_load_explicit(&r->slots[pos & TX_MASK].turn, memory_order_relaxed);
    return (int32_t)(turn - pos) >= 0;
}

bool tx_is_empty(const struct tx_ring *r)
{
    /* The newest record is at head - 1; once taken, its slot is the next lap's. */
    uint32_t newest = atomic_load_explicit(&r->head, memory_order_relaxed) - 1;
    uint32_t turn = atomic_load_explicit(&r->slots[newest & TX_MASK].turn, memory_order_acquire);
    return turn == newest + TX_RING_RECORDS;
}

uint32_t tx_place(struct tx_ring *r)
{
    /* Relaxed: what this core put is before it in any case, and of others' nobody can tell. */
    const uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

    atomic_fetch_and_explicit(&tx_newest(r, head)->len, ~TX_OPEN, memory_order_relaxed);
    return head;
}

uint32_t tx_before(const struct tx_ring *r, uint32_t place)
{
    return (int32_t)(place - r->tail) > 0 ? place - r->tail : 0;
}

size_t tx_get(struct tx_ring *r, uint8_t out[TX_RECORD_MAX])
{
    struct tx_record *slot = &r->slots[r->tail & TX_MASK];
    /* Acquire: pairs with the release in tx_publish. */
    if (atomic_load_explicit(&slot->turn, memory_order_acquire) != r->tail + 1)
        return 0;

    /* Acquire: pairs with the release in tx_extend. */
    const uint32_t len = atomic_exchange_explicit(&slot->len, 0, memory_order_acquire) & ~TX_OPEN;
    __builtin_memcpy(out, slot->data, TX_RECORD_MAX);
    /* Release: our reads are over before the producer of the next lap may write. */
    atomic_store_explicit(&slot->turn, r->tail + TX_RING_RECORDS, memory_order_release);
    r->tail++;
    return len;
}

void rx_init(struct rx_ring *r)
{
    atomic_init(&r->head, 0);
    atomic_init(&r->tail, 0);
    for (uint32_t i = 0; i < RX_RING_BYTES; i++)
        atomic_init(&r->bytes[i], 0);
}

bool rx_put(struct rx_ring *r, uint8_t byte)
{
    /* Relaxed: nobody else writes head. */
    uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    /* Acquire: the consumer that moved tail has read its byte before we overwrite it. */
    if (head - atomic_load_explicit(&r->tail, memory_order_acquire) == RX_RING_BYTES)
        return false;
    atomic_store_explicit(&r->bytes[head & RX_MASK], byte, memory_order_relaxed);
    /* Release: who sees the new head sees the byte. */
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return true;
}

bool rx_get(struct rx_ring *r, uint8_t *byte)
{
    /*
     * Acquire, and before head: the consumer that moved tail here had seen a head at least as
     * far, so we do too, and tail never appears to be ahead of head.
     */
    uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    uint8_t b;
    /*@ loop assigns tail, b, r->tail; */
    do {
        /* Acquire: pairs with the release in rx_put. */
        if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
            return false;
        /* May be a newer byte when `tail` is stale; then the exchange fails and drops it. */
        b = atomic_load_explicit(&r->bytes[tail & RX_MASK], memory_order_relaxed);
        /* Release: our read is over before the producer may reuse the slot. */
    } while (!atomic_compare_exchange_weak_explicit(&r->tail, &tail, tail + 1, memory_order_acq_rel,
                                                    memory_order_acquire));
    *byte = b;
    return true;
}

bool rx_has_room(const struct rx_ring *r, uint32_t bytes)
{
    return atomic_load_explicit(&r->head, memory_order_relaxed) -
               atomic_load_explicit(&r->tail, memory_order_relaxed) + bytes <=
           RX_RING_BYTES;
}

bool rx_has_data(const struct rx_ring *r)
{
    /* A hint, as tx_has_room. */
    return atomic_load_explicit(&r->tail, memory_order_relaxed) !=
           atomic_load_explicit(&r->head, memory_order_relaxed);
}
