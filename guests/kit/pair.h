/* SPDX-License-Identifier: MIT */
/*
 * pair: two guests with a link between them whose window both may write: what the guests producer
 * and consumer share.
 */
#pragma once

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/link.h"
#include "guests/kit/x2apic.h"

#define PAIR_LINK   0u /* the first of the guest's links */
#define PAIR_VECTOR 0x70

/* What goes through the ring. */
struct reading {
    uint64_t number; /* from 1 */
    uint64_t sent;   /* TSC */
};

/* The window as a ring. `bell` is called for doorbells, and where the other guest starts or ends.
 */
static inline struct link_ring pair_open(struct bulkhead_link *link, irq_handler *bell)
{
    if (!bulkhead_link_info(PAIR_LINK, link) || link->size == 0 || link->side_count != 2 ||
        !link->can_write)
        fatal(1, "there is no link, written by both, to one other guest: see producer/demo.conf");
    irq_handle(PAIR_VECTOR, bell);
    x2apic_enable();
    (void)bulkhead_link_vector(PAIR_LINK, PAIR_VECTOR | BULKHEAD_LINK_PEERS, 0);
    return link_ring(link->window, link->size);
}

/* Whether the other guest runs: an exit. */
static inline bool pair_has_peer(struct bulkhead_link *link)
{
    (void)bulkhead_link_info(PAIR_LINK, link);
    return (link->alive >> (1 - link->side) & 1) != 0;
}
