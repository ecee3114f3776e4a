/* SPDX-License-Identifier: MIT */
/*
 * vuart: a 16550A as a guest sees it at 0x3f8. Output goes to the guest's tx ring, input comes from
 * its rx ring; a full ring shows as a transmitter that is not empty yet, so a well-behaved guest
 * loses nothing. Pure.
 *
 * Shared by all vCPUs of the guest without a lock: each register is one atomic byte, and a guest
 * that races with itself gets garbage of its own.
 *
 * Its interrupt line is a level, and what tells of it an edge: a message (vdev/vmsi.h). Both sides
 * change the level: the guest with most of its accesses, the console with each byte typed or
 * taken. So whoever may have changed it looks (vuart_look()), and sends a message where that says
 * so.
 */
#pragma once

#include <stdatomic.h>

#include "lib/ring.h"
#include "lib/types.h"

#define VUART_PORT  0x3f8
#define VUART_PORTS 8

#define VUART_PORT_2 0x2f8 /* of a guest with a serial cable; not on the bus of vdev/bus.h */

#define VUART_NO_BYTE 0xffffu

/*
 * Bytes that one run of an interrupt handler may send: then the transmitter is not empty for a
 * moment. Linux leaves its handler for good after 512 passes of 16 bytes each, with the line still
 * high, which another core that goes on writing could bring about.
 */
#define VUART_RUN 2048u

struct vuart {
    struct tx_ring *tx;
    struct rx_ring *rx;
    _Atomic uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
    _Atomic uint16_t looped; /* the byte on its way round in loopback mode, or VUART_NO_BYTE */
    _Atomic uint32_t lost;   /* bytes written while the ring was full */
    _Atomic uint8_t line;    /* the level that the last message told of, or none did */
    _Atomic uint8_t silence; /* ticks since IIR was read or a message was sent */
    _Atomic uint32_t run;    /* bytes sent since IIR last said "none"; see VUART_RUN */
    _Atomic uint8_t broken;  /* a break waits to be read, before all that was typed */
};

void vuart_reset(struct vuart *u, struct tx_ring *tx, struct rx_ring *rx);

/* For the proofs (docs/proofs.md): which registers were reached; and what is needed. */
/*@ ghost uint8_t vuart_reached[VUART_PORTS]; */
/*@ predicate uart_ready(struct vuart *u) = \valid(u) && \valid(u->tx) && \valid(u->rx) &&
  @   \separated(u, u->tx, u->rx, &vuart_reached[0 .. VUART_PORTS - 1]);
  @*/

/* `reg` 0..7 */
/*@ requires uart_ready(u) && reg < VUART_PORTS;
  @ assigns u->looped, u->broken, u->rx->tail, u->line, u->silence, u->run, vuart_reached[reg];
  @ ensures vuart_reached[reg] == 1;
  @*/
uint8_t vuart_in(struct vuart *u, uint32_t reg);
/*@ requires uart_ready(u) && reg < VUART_PORTS;
  @ assigns u->ier, u->fcr, u->lcr, u->mcr, u->scr, u->dll, u->dlm, u->looped, u->lost, u->run,
  @   u->line;
  @ assigns u->tx->head, u->tx->refused, u->tx->slots[0 .. TX_RING_RECORDS - 1];
  @ assigns vuart_reached[reg];
  @ ensures vuart_reached[reg] == 1;
  @*/
void vuart_out(struct vuart *u, uint32_t reg, uint8_t value);

/* A byte straight to the console, whatever the registers say. */
/*@ requires uart_ready(u);
  @ assigns u->lost, u->tx->head, u->tx->refused, u->tx->slots[0 .. TX_RING_RECORDS - 1];
  @*/
void vuart_print(struct vuart *u, uint8_t byte);

/* Whether an access of this vCPU's can have changed the line: while the guest asks for no interrupt
 * it is low. Relaxed: what this vCPU wrote itself it sees. */
static inline bool vuart_may_interrupt(const struct vuart *u)
{
    return atomic_load_explicit(&u->ier, memory_order_relaxed) != 0;
}

/* Looks at the line after what may have changed it. True: a message is to be sent, now. Any core.
 * The transmitter's interrupt comes when all that was sent has been taken, or by a tick; it stays
 * while there is room. So a writer of single bytes has one for a tick's worth of them. */
MUST_CHECK bool vuart_look(struct vuart *u);

/* The same, now and then, on the core that moves the console: also true where the line has been
 * high for two ticks and nobody has read IIR. */
MUST_CHECK bool vuart_tick(struct vuart *u);

/* A break arrives on its line, which is Linux' SysRq key. Any core; then a tick. */
void vuart_break(struct vuart *u);

/* Whatever message was sent before cannot be relied on: its address has changed. Then look. */
void vuart_forget(struct vuart *u);
