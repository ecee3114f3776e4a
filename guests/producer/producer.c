/* SPDX-License-Identifier: MIT */
/*
 * producer: sends numbered readings to the guest `consumer` over their link, and rings its doorbell
 * where it may sleep. Options: count=N (10) readings, pause=MS (100) between two; pause=0: as fast
 * as the ring takes them. The other guest may start later, and start anew: the producer waits.
 */
#include "guests/kit/pair.h"
#include "guests/kit/timing.h"

static void producer_bell(struct trap_frame *frame)
{
    (void)frame;
    x2apic_eoi();
}

int main(void)
{
    const uint64_t count = option_number("count", 10), pause = option_number("pause", 100);
    struct bulkhead_link link;

    const struct link_ring ring = pair_open(&link, producer_bell);
    print("link '%s', side %u of %u: %lu KiB at 0x%lx\n", link.name, link.side, link.side_count,
          link.size / KIB, link.window);
    while (!pair_has_peer(&link))
        irq_wait();
    for (uint64_t i = 1; i <= count; i++) {
        const struct reading reading = {.number = i, .sent = tsc_now()};
        bool may_sleep = false;
        while (!link_put(&ring, &reading, sizeof(reading), &may_sleep))
            __builtin_ia32_pause();
        if (may_sleep)
            (void)bulkhead_link_ring(PAIR_LINK, 1 - link.side);
        if (pause > 0)
            sleep_for(pause * NS_PER_MS);
    }
    while (link_waiting(&ring) > 0) /* what is not taken is cleared where the other ends, too */
        __builtin_ia32_pause();
    print("%lu readings sent\n", count);
    return 0;
}
