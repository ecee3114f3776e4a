/* SPDX-License-Identifier: MIT */
/*
 * bus: which virtual device answers which I/O port. Closed by default: a port without a row reads
 * as all ones, swallows writes and is counted. An access of 2 or 4 bytes is looked up byte by
 * byte, so that one straddling a device's end is answered exactly. Pure.
 */
#pragma once

#include "lib/types.h"
#include "vdev/refused.h"
#include "vdev/vpower.h"
#include "vdev/vrtc.h"
#include "vdev/vuart.h"

/* The devices of one guest. */
struct bus {
    struct vuart uart;
    struct vrtc rtc;
};

void bus_reset(struct bus *b, struct tx_ring *tx, struct rx_ring *rx,
               const struct vrtc_clock *clock);

/* `size` is 1, 2 or 4; the value is in its low bytes. `now`: the counter of the clock. `refused`
 * counts the access, once, by the port it begins at, when a byte of it has no device. */
uint32_t bus_in(struct bus *b, uint16_t port, uint8_t size, uint64_t now, struct refused *refused);

/* Tells what the guest asked for as a whole; the caller sees to it. */
MUST_CHECK enum bus_event bus_out(struct bus *b, uint16_t port, uint8_t size, uint32_t value,
                                  struct refused *refused);
