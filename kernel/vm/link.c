/* SPDX-License-Identifier: MIT */
#include "kernel/vm/link.h"

#include "kernel/vm/cable.h"
#include "kernel/vm/memory.h"
#include "kernel/vm/message.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"

_Static_assert(GUEST_LINKS_MAX == VLINKS, "each has a slot");
_Static_assert(VPCI_LINK + VLINKS <= VPCI_CABLE && VPCI_CABLE < VPCI_SLOTS, "each has a slot");

static void link_build_side(struct link *link, uint32_t side, struct vm *vm)
{
    const uint32_t index = vm->end_count++;
    const struct plan_end *plan = &vm->plan->ends[index];
    struct link_end *end = &vm->ends[index];

    ASSERT(index < VLINKS && plan->side == side);
    link->sides[side].vm = vm;
    link->sides[side].end = index;
    end->link = link;
    end->device.side = side;
    end->device.read_only = link->plan->config->sides[side].read_only;
    end->device.side_count = link->plan->config->side_count;
    end->device.alive = &link->alive;
    vlink_init(&end->device, index, plan->at.v, link->plan->config->memory);
}

/* In the order of the file, as the plan has each guest's ends. */
enum status link_build(const struct plan *plan, struct vm *const vms[], struct pages *pages)
{
    if (plan->link_count == 0)
        return OK;
    struct link *links = pages_get(
        pages, (plan->link_count * sizeof(*links) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
    if (!links)
        return FAIL(E_NOMEM, "no pages for %u links", plan->link_count);
    for (uint32_t l = 0; l < plan->link_count; l++) {
        const struct config_link *config = plan->links[l].config;
        links[l].plan = &plan->links[l];
        for (uint32_t side = 0; side < config->side_count; side++)
            link_build_side(&links[l], side, vms[config->sides[side].guest]);
        if (!config->serial)
            continue;
        const enum status s = cable_build(links[l].sides[0].vm, links[l].sides[1].vm, pages);
        if (s != OK)
            return s;
    }
    return OK;
}

/* Returns what it was. */
static enum link_window link_change(struct link *link, enum link_window from, enum link_window to)
{
    lock_take(&link->lock);
    const enum link_window was = link->window;
    if (was == from)
        link->window = to;
    lock_release(&link->lock);
    return was;
}

/* If it is dirty. It may be 512 MiB: without the lock, so that only those wait who start. */
static void link_clear(struct link *link)
{
    if (link_change(link, WINDOW_DIRTY, WINDOW_CLEARING) != WINDOW_DIRTY)
        return;
    if (link->plan->config->memory > 0)
        memory_scrub((struct range){link->plan->to.v, link->plan->config->memory});
    (void)link_change(link, WINDOW_CLEARING, WINDOW_CLEAR);
}

static void link_send(const struct link *link, uint32_t side)
{
    const struct vm *to = link->sides[side].vm;

    message_send(to, &to->pci.slots[VPCI_LINK + link->sides[side].end]);
}

/* The guest of `side` has started or ended. */
static void link_tell_peers(const struct link *link, uint32_t side)
{
    for (uint32_t i = 0; i < link->plan->config->side_count; i++) {
        const struct vm *to = link->sides[i].vm;
        if (i != side && vlink_wants_peers(&to->ends[link->sides[i].end].device))
            link_send(link, i);
    }
}

/* False: the window is not clear. */
static bool link_try_enter(struct link *link, uint32_t side)
{
    lock_take(&link->lock);
    const bool may = link->window == WINDOW_CLEAR || link->window == WINDOW_USED;
    if (may) {
        link->window = WINDOW_USED;
        atomic_fetch_or(&link->alive, BIT32(side));
    }
    lock_release(&link->lock);
    return may;
}

static void link_enter_end(struct link_end *end)
{
    vlink_reset(&end->device);
    while (!link_try_enter(end->link, end->device.side)) {
        link_clear(end->link);
        cpu_pause();
    }
    link_tell_peers(end->link, end->device.side);
}

static void link_leave_end(struct link_end *end)
{
    const uint32_t bit = BIT32(end->device.side);
    struct link *link = end->link;

    vlink_reset(&end->device);
    lock_take(&link->lock);
    if (atomic_fetch_and(&link->alive, ~bit) == bit)
        link->window = WINDOW_DIRTY;
    lock_release(&link->lock);
    link_tell_peers(link, end->device.side);
}

void link_enter(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->end_count; i++) {
        vpci_plug(&vm->pci, VPCI_LINK + i, &vm->ends[i].device.identity);
        link_enter_end(&vm->ends[i]);
    }
}

void link_leave(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->end_count; i++)
        link_leave_end(&vm->ends[i]);
}

void link_clear_left(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->end_count; i++)
        link_clear(vm->ends[i].link);
}

void link_ring(struct vm *vm, uint32_t end, uint32_t side)
{
    link_send(vm->ends[index_masked(end, VLINKS)].link, index_masked(side, LINK_SIDES_MAX));
}
