/* SPDX-License-Identifier: MIT */
/*
 * bus: which virtual device answers which I/O port. Closed by default: a port without a row reads
 * as all ones, swallows writes and is counted. An access of 2 or 4 bytes is looked up byte by
 * byte, so that one straddling a device's end is answered exactly. Pure.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"
#include "vdev/vuart.h"

/* The devices of one guest. */
struct bus {
    struct vuart uart;
    _Atomic uint64_t refused;      /* accesses with a byte that has no device */
    _Atomic uint32_t last_refused; /* the port such an access began at */
};

void bus_reset(struct bus *b, struct tx_ring *tx, struct rx_ring *rx);

/* `size` is 1, 2 or 4; the value is in its low bytes. */
uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size);
void bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value);
