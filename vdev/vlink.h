/* SPDX-License-Identifier: MIT */
/*
 * vlink: a guest's end of a link as a PCI function: BAR 2 is the window that the guests share, BAR
 * 4 the registers, and it sends one message (vdev/vmsi.h) for doorbells and for what peers do. The
 * identity is that of QEMU's ivshmem-plain, so what maps its BAR 2 finds it; the registers are at
 * the offsets of ivshmem's. Pure.
 *
 * Registers have 32 bits, and are accessed so: other sizes find nothing.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"
#include "vdev/vpci.h"

#define VLINKS      4 /* of a guest; a power of two */
#define VLINK_PORT  0xc000u
#define VLINK_PORTS 16u /* each */

enum vlink_register {
    VLINK_SIDE = 0,     /* R: the number of this side */
    VLINK_ALIVE = 4,    /* R: a bit for each side whose guest runs */
    VLINK_DOORBELL = 8, /* W: side << 16 */
    VLINK_CONTROL = 12, /* RW: VLINK_PEERS; R: VLINK_READ_ONLY */
};

#define VLINK_PEERS     1u          /* a message also when a peer starts or ends */
#define VLINK_READ_ONLY 0x80000000u /* the window may not be written: that would end the guest */

struct vlink {
    struct vpci_identity identity; /* constant */
    uint32_t side, side_count;     /* constant; side_count 0: there is no link */
    bool read_only;                /* constant */
    const _Atomic uint32_t *alive; /* the link's */
    _Atomic uint32_t control;
};

/* The end that is number `index` (below VLINKS) of its guest's, with its window of `size` bytes (a
 * power of two from 4 KiB on; 0: it has none) at `at`. */
void vlink_init(struct vlink *l, uint32_t index, uint64_t at, uint64_t size);

/* As at the start of a life. */
void vlink_reset(struct vlink *l);

/* Whether an access is one of a link's registers; which, vlink_index() says. */
static inline bool vlink_claims(uint16_t port, uint8_t size)
{
    return size == 4 && port >= VLINK_PORT && port < VLINK_PORT + VLINKS * VLINK_PORTS &&
           port % 4 == 0;
}

static inline uint32_t vlink_index(uint16_t port)
{
    return port / VLINK_PORTS % VLINKS;
}

/* For an access that vlink_claims(), of the link that vlink_index() names. */
uint32_t vlink_in(const struct vlink *l, uint16_t port);

/* True: the doorbell of `side` rang, which is one of the link's. */
MUST_CHECK bool vlink_out(struct vlink *l, uint16_t port, uint32_t value, uint32_t *side);

/* Whether its guest wants to know of peers. */
void vlink_set_peers(struct vlink *l, bool wants);
bool vlink_wants_peers(const struct vlink *l);
