/* SPDX-License-Identifier: MIT */
/*
 * vuart: a 16550A as a guest sees it at 0x3f8, without an interrupt line. Output goes to the
 * guest's tx ring, input comes from its rx ring; a full ring shows as a transmitter that is not
 * empty yet, so a well-behaved guest loses nothing. Pure.
 *
 * Shared by all vCPUs of the guest without a lock: each register is one atomic byte, and a guest
 * that races with itself gets garbage of its own.
 */
#pragma once

#include <stdatomic.h>

#include "lib/ring.h"
#include "lib/types.h"

#define VUART_PORT  0x3f8
#define VUART_PORTS 8

#define VUART_NO_BYTE 0xffffu

struct vuart {
    struct tx_ring *tx;
    struct rx_ring *rx;
    _Atomic uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    _Atomic uint16_t looped; /* the byte on its way round in loopback mode, or VUART_NO_BYTE */
    _Atomic uint32_t lost;   /* bytes written while the ring was full */
};

void vuart_reset(struct vuart *u, struct tx_ring *tx, struct rx_ring *rx);

/* For the proofs (docs/proofs.md): which registers were reached; and what is needed. */
/*@ ghost uint8_t vuart_reached[VUART_PORTS]; */
/*@ predicate uart_ready(struct vuart *u) = \valid(u) && \valid(u->tx) && \valid(u->rx) &&
  @   \separated(u, u->tx, u->rx, &vuart_reached[0 .. VUART_PORTS - 1]);
  @*/

/* `reg` 0..7 */
/*@ requires uart_ready(u) && reg < VUART_PORTS;
  @ assigns u->looped, u->rx->tail, vuart_reached[reg];
  @ ensures vuart_reached[reg] == 1;
  @*/
uint8_t vuart_in(struct vuart *u, uint32_t reg);
/*@ requires uart_ready(u) && reg < VUART_PORTS;
  @ assigns u->ier, u->fcr, u->lcr, u->mcr, u->scr, u->dll, u->dlm, u->looped, u->lost;
  @ assigns u->tx->head, u->tx->refused, u->tx->slots[0 .. TX_RING_RECORDS - 1];
  @ assigns vuart_reached[reg];
  @ ensures vuart_reached[reg] == 1;
  @*/
void vuart_out(struct vuart *u, uint32_t reg, uint8_t value);
