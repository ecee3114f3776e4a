/* SPDX-License-Identifier: MIT */
/*
 * consumer: takes what the guest `producer` sends over their link. It sleeps in HLT between two
 * doorbells, and makes no exit for any of them. When the producer has ended, it says what came.
 */
#include "guests/kit/pair.h"
#include "guests/kit/timing.h"
#include "lib/bits.h"

struct tally {
    uint64_t count, wrong;    /* readings; those out of order */
    uint64_t shortest, total; /* ticks from sending to taking */
};

static volatile uint64_t doorbells;

static void consumer_bell(struct trap_frame *frame)
{
    (void)frame;
    doorbells++;
    x2apic_eoi();
}

/* False: there was nothing. */
static bool consumer_take(const struct link_ring *ring, struct tally *tally)
{
    struct reading reading;
    bool any = false;

    while (link_get(ring, &reading, sizeof(reading))) {
        const uint64_t ticks = tsc_now() - reading.sent;
        any = true;
        tally->count++;
        tally->wrong += reading.number != tally->count;
        tally->shortest = min_u64(tally->shortest, ticks);
        tally->total += ticks;
        if (tally->count == 1)
            print("the first reading is here\n");
    }
    return any;
}

static void consumer_report(const struct tally *tally)
{
    if (tally->count == 0) {
        print("nothing came\n");
        return;
    }
    print("%lu readings, %lu out of order, %lu interrupts\n", tally->count, tally->wrong,
          doorbells);
    print("the shortest way took %lu ns, the average %lu ns\n", tsc_to_ns(tally->shortest),
          tsc_to_ns(tally->total / tally->count));
}

int main(void)
{
    struct tally tally = {.shortest = UINT64_MAX};
    struct bulkhead_link link;

    const struct link_ring ring = pair_open(&link, consumer_bell);
    /* Interrupts are off but in irq_wait(): a doorbell that rings before it ends it at once. */
    (void)consumer_take(&ring, &tally);
    do {
        irq_wait();
        /* The other guest is asked for only where something woke us and there was nothing. */
    } while (consumer_take(&ring, &tally) || tally.count == 0 || pair_has_peer(&link));
    consumer_report(&tally);
    return tally.count > 0 && tally.wrong == 0 ? 0 : 1;
}
