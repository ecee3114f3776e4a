/* SPDX-License-Identifier: MIT */
/*
 * ring: bytes on their way between a guest's core and the console, without locks and without
 * callbacks. Nobody ever waits: a full queue refuses, an empty one yields nothing. Pure.
 *
 * tx: many producers (the vCPUs of one guest), one consumer (whoever holds the console lock).
 *     A record is what one hypercall or one UART byte brings and stays whole.
 * rx: one producer (the console), many consumers (the vCPUs of one guest).
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

#define TX_RECORD_MAX   48  /* bytes: six registers */
#define TX_RING_RECORDS 256 /* a power of two */
#define RX_RING_BYTES   256 /* a power of two */

/* A cache line of its own, so that two cores that print do not fight over one. */
struct tx_record {
    ALIGNED(64) _Atomic uint32_t turn; /* Vyukov's bounded queue: whose turn this slot is */
    uint32_t len;                      /* 1..TX_RECORD_MAX */
    uint64_t data[TX_RECORD_MAX / 8];
};

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

/* Takes `len` (1..TX_RECORD_MAX) bytes, lowest byte of data[0] first; false when full. */
MUST_CHECK bool tx_put(struct tx_ring *r, const uint64_t data[TX_RECORD_MAX / 8], uint32_t len);

/* Room for at least `records` (1..TX_RING_RECORDS) at this moment. */
bool tx_has_room(const struct tx_ring *r, uint32_t records);

/* Everything put so far has been taken: any core may ask. */
bool tx_is_empty(const struct tx_ring *r);

/* Copies the oldest record out, returns its length; 0 when there is none. Consumer only. */
size_t tx_get(struct tx_ring *r, uint8_t out[TX_RECORD_MAX]);

void rx_init(struct rx_ring *r);
MUST_CHECK bool rx_put(struct rx_ring *r, uint8_t byte);  /* producer only */
MUST_CHECK bool rx_get(struct rx_ring *r, uint8_t *byte); /* any vCPU of the guest */
bool rx_has_room(const struct rx_ring *r); /* stays true until the producer puts something */
bool rx_has_data(const struct rx_ring *r);
