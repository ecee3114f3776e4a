/* SPDX-License-Identifier: MIT */
/*
 * vrtc: the registers of a PC's clock from which an operating system reads date and time when it
 * boots: an index port and a data port. Read-only, no alarm, no interrupt, no CMOS memory. Pure.
 *
 * All cores of a guest may use it at once; the index is latched whole, so the worst that a race
 * between them does is a wrong register in the guest's own reading.
 */
#pragma once

#include <stdatomic.h>

#include "lib/time.h"
#include "lib/types.h"

#define VRTC_PORT  0x70 /* index, then data */
#define VRTC_PORTS 2

/* How a counter's value becomes a date. */
struct vrtc_clock {
    const struct time_scale *scale;
    uint64_t start;   /* the counter's value ... */
    uint64_t seconds; /* ... at this time, in seconds since 1970-01-01 UTC */
};

struct vrtc {
    struct vrtc_clock clock;
    _Atomic uint8_t index; /* 0..127 */
};

void vrtc_reset(struct vrtc *r, const struct vrtc_clock *clock);

/* For the proofs (docs/proofs.md): which ports were reached; and what is needed. */
/*@ ghost uint8_t vrtc_reached[VRTC_PORTS]; */
/*@ predicate rtc_ready(struct vrtc *r) = \valid(r) && \valid_read(r->clock.scale) &&
  @   can_scale(*r->clock.scale) && \separated(r, &vrtc_reached[0 .. VRTC_PORTS - 1]);
  @*/

/* `port` is 0 or 1; `now` the counter's value, at or behind clock.start. */
/*@ requires rtc_ready(r) && port < VRTC_PORTS;
  @ assigns vrtc_reached[port];
  @ ensures vrtc_reached[port] == 1;
  @*/
uint8_t vrtc_in(struct vrtc *r, uint32_t port, uint64_t now);
/*@ requires rtc_ready(r) && port < VRTC_PORTS;
  @ assigns r->index, vrtc_reached[port];
  @ ensures vrtc_reached[port] == 1;
  @*/
void vrtc_out(struct vrtc *r, uint32_t port, uint8_t value);
