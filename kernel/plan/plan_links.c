/* SPDX-License-Identifier: MIT */
/*
 * plan_links: gives each guest its ends of the file's links, and their windows places in its
 * memory. Pure.
 */
#include "kernel/plan/plan_parts.h"

#include "lib/assert.h"
#include "vdev/vpci.h"

_Static_assert(GUEST_LINKS_MEMORY == VPCI_MEMORY_LAST + 1 - VPCI_MEMORY_FIRST, "all of it");

/* In the order of the file. */
static void plan_links_ends(struct plan_guest *guest, uint32_t g, const struct plan *plan)
{
    for (uint32_t l = 0; l < plan->link_count; l++) {
        const struct config_link *wish = plan->links[l].config;
        for (uint32_t side = 0; side < wish->side_count; side++) {
            if (wish->sides[side].guest != g)
                continue;
            ASSERT(guest->end_count < GUEST_LINKS_MAX);
            guest->ends[guest->end_count++] = (struct plan_end){.link = l, .side = side};
        }
    }
}

/* Powers of two, the largest first: each is aligned to its size, as a PCI window has to be, and
 * there is no gap. config_parse() has seen to it that all fit. */
static void plan_links_windows(struct plan_guest *guest, const struct plan *plan)
{
    uint64_t at = VPCI_MEMORY_FIRST;

    for (uint64_t size = LINK_MEMORY_MAX; size >= LINK_MEMORY_MIN; size /= 2)
        for (uint32_t i = 0; i < guest->end_count; i++) {
            struct plan_end *end = &guest->ends[i];
            const struct plan_link *link = &plan->links[end->link];
            const struct config_link *wish = link->config;
            if (wish->memory != size)
                continue;
            end->at = gpa(at);
            at += size;
            guest_map_add_shared(&guest->map, end->at, link->to, size,
                                 wish->sides[end->side].read_only, wish->name);
        }
    ASSERT(at <= VPCI_MEMORY_LAST + 1);
}

void plan_links_place(struct plan *plan, const struct range *places)
{
    for (uint32_t l = 0; l < plan->link_count; l++)
        plan->links[l].to = hpa(places[l].base);
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        plan_links_ends(&plan->guests[g], g, plan);
        plan_links_windows(&plan->guests[g], plan);
    }
}
