/* SPDX-License-Identifier: MIT */
/*
 * producer: sends numbered readings to the guest `consumer` over their link, and rings its doorbell
 * where it may sleep. Options: count=N (10) readings, pause=MS (100) between two; pause=0: as fast
 * as the ring takes them. The other guest may start later, and
 * start anew: the producer waits.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/link.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"

#define VECTOR_LINK 0x70
#define LINK        0u

struct reading {
    uint64_t number; /* from 1 */
    uint64_t sent;   /* TSC */
};

static void producer_bell(struct trap_frame *frame)
{
    (void)frame;
    x2apic_eoi();
}

/* Its end may be the only one whose guest runs. */
static void producer_wait_for_peer(struct bulkhead_link *link)
{
    while (!(link->alive >> (1 - link->side) & 1)) {
        irq_wait();
        (void)bulkhead_link_info(LINK, link);
    }
}

int main(void)
{
    const uint64_t count = option_number("count", 10), pause = option_number("pause", 100);
    struct bulkhead_link link;

    if (!bulkhead_link_info(LINK, &link) || link.size == 0 || link.side_count != 2 ||
        !link.can_write)
        fatal(1, "there is no link, written by both, to one other guest: see producer/demo.conf");
    const struct link_ring ring = link_ring(link.window, link.size);
    irq_handle(VECTOR_LINK, producer_bell);
    x2apic_enable();
    (void)bulkhead_link_vector(LINK, VECTOR_LINK | BULKHEAD_LINK_PEERS, 0);
    (void)bulkhead_link_info(LINK, &link);
    print("link '%s', side %u of %u: %lu KiB at 0x%lx\n", link.name, link.side, link.side_count,
          link.size / KIB, link.window);
    producer_wait_for_peer(&link);
    for (uint64_t i = 1; i <= count; i++) {
        const struct reading reading = {.number = i, .sent = tsc_now()};
        bool may_sleep = false;
        while (!link_put(&ring, &reading, sizeof(reading), &may_sleep))
            __builtin_ia32_pause();
        if (may_sleep)
            (void)bulkhead_link_ring(LINK, 1 - link.side);
        if (pause > 0)
            sleep_for(pause * NS_PER_MS);
    }
    while (link_waiting(&ring) > 0) /* what is not taken is cleared where the other ends, too */
        __builtin_ia32_pause();
    print("%lu readings sent\n", count);
    return 0;
}
