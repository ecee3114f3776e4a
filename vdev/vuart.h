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

/* `reg` 0..7 */
uint8_t vuart_in(struct vuart *u, uint32_t reg);
void vuart_out(struct vuart *u, uint32_t reg, uint8_t value);
