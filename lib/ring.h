/* SPDX-License-Identifier: MIT */
/*
 * ring: bytes on their way between a guest's core and the console, without locks and without
 * callbacks. Nobody ever waits: a full queue refuses, an empty one yields nothing. Pure.
 *
 * tx: many producers (the vCPUs of one guest), one consumer (whoever holds the console lock).
 *     A record is what one hypercall brings, and stays whole; bytes that come one by one share
 *     one for as long as the consumer has not taken it.
 * rx: one producer (the console), many consumers (the vCPUs of one guest).
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

#define TX_RECORD_MAX   48   /* bytes: six registers */
#define TX_RING_RECORDS 1024 /* a power of two: what a Linux prints while it boots */
#define RX_RING_BYTES   256  /* a power of two */

/* A cache line of its own, so that two cores that print do not fight over one. */
struct tx_record {
    ALIGNED(64) _Atomic uint32_t turn; /* Vyukov's bounded queue: whose turn this slot is */
    _Atomic uint32_t len;              /* 1..TX_RECORD_MAX, and TX_OPEN */
    ALIGNED(8) uint8_t data[TX_RECORD_MAX];
};

#define TX_OPEN 0x80000000u /* in `len`: a byte may still be added */

struct tx_ring {
    ALIGNED(64) _Atomic uint32_t head; /* producers */
    _Atomic uint32_t refused;          /* records that found no room */
    ALIGNED(64) uint32_t tail;         /* the consumer's alone */
    struct tx_record slots[TX_RING_RECORDS];
};

struct rx_ring {
    _Atomic uint32_t head; /* the producer's */
    _Atomic uint32_t tail; /* consumers */
    _Atomic uint8_t bytes[RX_RING_BYTES];
};

void tx_init(struct tx_ring *r);

/* Room for at least `records` (1..TX_RING_RECORDS) at this moment. */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @*/
bool tx_has_room(const struct tx_ring *r, uint32_t records);

/* Everything put so far has been taken: any core may ask. */
bool tx_is_empty(const struct tx_ring *r);

/* The place behind everything put so far; what is put from now on is behind it. Any core. */
uint32_t tx_place(struct tx_ring *r);

/* How many records before that place have not been taken yet. Consumer only. */
uint32_t tx_before(const struct tx_ring *r, uint32_t place);

/* Copies the oldest record out, returns its length; 0 when there is none. Consumer only. */
size_t tx_get(struct tx_ring *r, uint8_t out[TX_RECORD_MAX]);

void rx_init(struct rx_ring *r);
MUST_CHECK bool rx_put(struct rx_ring *r, uint8_t byte); /* producer only */
/* Any vCPU of the guest. */
/*@ requires \valid(r) && \valid(byte) && \separated(r, byte);
  @ assigns r->tail, *byte;
  @*/
MUST_CHECK bool rx_get(struct rx_ring *r, uint8_t *byte);
bool rx_has_room(const struct rx_ring *r, uint32_t bytes); /* true until the producer puts some */
/*@ requires \valid_read(r);
  @ assigns \nothing;
  @*/
bool rx_has_data(const struct rx_ring *r);

/* Putting takes two steps: a slot whose data (1..TX_RECORD_MAX bytes) the caller fills in (NULL
 * when full), which then has to be published with its length. */
/*@ requires \valid(r) && \valid(position) && \separated(r, position);
  @ assigns r->head, r->refused, *position;
  @ ensures \result == \null ||
  @   (\exists integer i; 0 <= i < TX_RING_RECORDS && \result == &r->slots[i]);
  @*/
MUST_CHECK static inline struct tx_record *tx_claim(struct tx_ring *r, uint32_t *position)
{
    /* Relaxed: head only hands out positions; what a producer may write, `turn` decides. */
    uint32_t pos = atomic_load_explicit(&r->head, memory_order_relaxed);
    /*@ loop assigns pos, r->head, r->refused, *position; */
    for (;;) {
        struct tx_record *slot = &r->slots[pos & (TX_RING_RECORDS - 1)];
        /* Acquire: the consumer's reads of the last lap are over before we overwrite them. */
        int32_t ahead = (int32_t)(atomic_load_explicit(&slot->turn, memory_order_acquire) - pos);
        if (ahead < 0) { /* still the record of one lap ago: full */
            atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
            return NULL;
        }
        *position = pos;
        /* Fails and reloads `pos` where head has moved on, and so where `pos` was stale. */
        if (atomic_compare_exchange_weak_explicit(&r->head, &pos, pos + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return slot;
    }
}

/*@ requires \valid(slot);
  @ assigns slot->turn, slot->len;
  @*/
static inline void tx_publish(struct tx_record *slot, uint32_t position, uint32_t len)
{
    /* Release: who sees the length, if only to add to it, sees the bytes. */
    atomic_store_explicit(&slot->len, len, memory_order_release);
    /* Release: who sees the turn sees the record. */
    atomic_store_explicit(&slot->turn, position + 1, memory_order_release);
}

/* The newest record before position `head`, whether or not it has been taken. */
/*@ requires \valid(r);
  @ assigns \nothing;
  @ ensures \exists integer i; 0 <= i < TX_RING_RECORDS && \result == &r->slots[i];
  @*/
static inline struct tx_record *tx_newest(struct tx_ring *r, uint32_t head)
{
    const uint32_t position = head - 1;

    return &r->slots[position & (TX_RING_RECORDS - 1)];
}

/*
 * The consumer closes a record before it reads it, so that a byte is either seen by it or not
 * added. A producer that is overtaken by a whole lap between its look and its exchange spoils a
 * later record of the same guest: a byte of it, which never gets longer than TX_RECORD_MAX.
 */
/*@ requires \valid(r);
  @ assigns r->slots[0 .. TX_RING_RECORDS - 1];
  @*/
static inline bool tx_extend(struct tx_ring *r, uint8_t byte)
{
    struct tx_record *newest = tx_newest(r, atomic_load_explicit(&r->head, memory_order_relaxed));
    /* Acquire: pairs with the release in tx_publish, whose bytes are before ours. */
    uint32_t len = atomic_load_explicit(&newest->len, memory_order_acquire);
    const uint32_t at = len & ~TX_OPEN;

    if (!(len & TX_OPEN) || at >= TX_RECORD_MAX)
        return false;
    newest->data[at] = byte;
    /* Release: who sees the length sees the byte. */
    return atomic_compare_exchange_strong_explicit(&newest->len, &len, len + 1,
                                                   memory_order_release, memory_order_relaxed);
}

/* Puts a byte behind all others: into the newest record where that is open, else into one of its
 * own. False: full. Any vCPU; two that do it at once may spoil each other's byte. */
/*@ requires \valid(r);
  @ assigns r->head, r->refused, r->slots[0 .. TX_RING_RECORDS - 1];
  @*/
MUST_CHECK static inline bool tx_append(struct tx_ring *r, uint8_t byte)
{
    UNINITIALIZED uint32_t position;

    if (tx_extend(r, byte))
        return true;
    struct tx_record *slot = tx_claim(r, &position);
    if (slot == NULL)
        return false;
    slot->data[0] = byte;
    tx_publish(slot, position, TX_OPEN | 1);
    return true;
}
