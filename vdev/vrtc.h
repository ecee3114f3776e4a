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

/* `port` is 0 or 1; `now` the counter's value, at or behind clock.start. */
uint8_t vrtc_in(struct vrtc *r, uint32_t port, uint64_t now);
void vrtc_out(struct vrtc *r, uint32_t port, uint8_t value);
