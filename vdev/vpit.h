/* SPDX-License-Identifier: MIT */
/*
 * vpit: the interval timer of a PC (8254) and its system control port B, as far as programs
 * calibrate with them: three channels that count, computed from the TSC at each access, with a gate
 * and an output for channel 2. No interrupt, no BCD. Only for guests whose kind of image expects a
 * PC. Without it, port 0x42 alone answers: reads 0, swallows writes. A Linux that tries to
 * calibrate with it takes 0 for "no such timer" at once, but waits 50,000 reads for all ones to
 * change. Pure.
 *
 * Shared by all vCPUs of the guest without a lock, as vdev/vuart.h is: a guest that races with
 * itself gets garbage of its own.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"
#include "vdev/vrtc.h"

#define VPIT_PORT      0x40 /* channels 0 to 2, then the control word */
#define VPIT_PORTS     4
#define VPIT_CHANNEL_2 0x42
#define VPIT_CONTROL   0x43
#define VPIT_PORT_B    0x61

#define VPIT_CHANNELS 3
#define VPIT_HZ       1193182u

struct vpit_channel {
    _Atomic uint64_t origin; /* VPIT_RUNS: the tick it began to count at; else how far it came */
    _Atomic uint32_t reload; /* 1..0x10000; 0: no count has been written */
    _Atomic uint16_t latch;
    _Atomic uint8_t mode;   /* 0..5 */
    _Atomic uint8_t access; /* low byte 1, high byte 2, both 3 */
    _Atomic uint8_t low;    /* of a count that is half written */
    _Atomic uint8_t status; /* latched */
    _Atomic uint8_t flags;  /* VPIT_... */
};

struct vpit {
    const struct vrtc_clock *clock; /* what it counts by; NULL: there is no timer */
    _Atomic uint8_t port_b;         /* as written, bits 3:0 */
    struct vpit_channel channels[VPIT_CHANNELS];
};

void vpit_reset(struct vpit *p, const struct vrtc_clock *clock);

/* For the proofs (docs/proofs.md): whether a port was reached; which ones there are; and what is
 * needed. */
/*@ ghost uint8_t vpit_reached; */
/*@ predicate has_pit{L}(struct vpit *p, integer port) = port == VPIT_CHANNEL_2 ||
  @   (p->clock != \null && (VPIT_PORT <= port < VPIT_PORT + VPIT_PORTS || port == VPIT_PORT_B));
  @ predicate pit_ready{L}(struct vpit *p) = \valid(p) && \separated(p, &vpit_reached) &&
  @   (p->clock != \null ==> \valid_read(p->clock) && \valid_read(p->clock->scale) &&
  @     can_scale(*p->clock->scale) && \separated(p, p->clock, p->clock->scale, &vpit_reached));
  @*/

/*@ requires \valid_read(p);
  @ assigns \nothing;
  @ ensures \result != 0 <==> has_pit(p, port);
  @*/
static inline bool vpit_claims(const struct vpit *p, uint16_t port)
{
    if (port == VPIT_CHANNEL_2)
        return true;
    return p->clock != NULL &&
           ((port >= VPIT_PORT && port < VPIT_PORT + VPIT_PORTS) || port == VPIT_PORT_B);
}

/* A port that vpit_claims() claims; `now` is the clock's counter. */
/*@ requires pit_ready(p);
  @ assigns p->channels[0 .. VPIT_CHANNELS - 1], vpit_reached;
  @ ensures vpit_reached == 1;
  @ ensures pit_ready(p);
  @*/
uint8_t vpit_in(struct vpit *p, uint16_t port, uint64_t now);
/*@ requires pit_ready(p);
  @ assigns p->port_b, p->channels[0 .. VPIT_CHANNELS - 1], vpit_reached;
  @ ensures vpit_reached == 1;
  @ ensures pit_ready(p);
  @*/
void vpit_out(struct vpit *p, uint16_t port, uint8_t value, uint64_t now);
