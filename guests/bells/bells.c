/* SPDX-License-Identifier: MIT */
/*
 * bells: doorbells between lives. how=ring: rings its peer's without end. how=listen (default): in
 * each life first listens while it has asked for nothing, then asks, waits for the peer's doorbell
 * and restarts, until it has lived lives=N (10) times: the count is in the link's window, which its
 * peer keeps.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"

#define VECTOR    0x71
#define LINK      0u
#define LISTEN_NS (5 * NS_PER_MS)

static volatile uint32_t taken;

static void bells_taken(struct trap_frame *frame)
{
    (void)frame;
    taken++;
    x2apic_eoi();
}

NORETURN static void bells_ring(const struct bulkhead_link *link)
{
    for (;;)
        (void)bulkhead_link_ring(LINK, 1 - link->side);
}

int main(void)
{
    const uint64_t lives = option_number("lives", 10);
    struct bulkhead_link link;

    if (!bulkhead_link_info(LINK, &link) || link.size == 0 || link.side_count != 2)
        fatal(1, "there is no link with a window to one other guest");
    if (option_is("how", "ring"))
        bells_ring(&link);
    volatile uint64_t *life = (volatile uint64_t *)link.window;
    irq_handle(VECTOR, bells_taken);
    x2apic_enable();
    irq_enable();
    spin_for(LISTEN_NS);
    irq_disable();
    if (taken != 0)
        fatal(2, "life %lu: a doorbell rang that this life has not asked for", *life + 1);
    (void)bulkhead_link_vector(LINK, VECTOR, 0);
    irq_wait();
    (*life)++;
    if (*life < lives)
        (void)bulkhead_restart();
    print("%lu lives, and no doorbell but those asked for\n", *life);
    return 0;
}
