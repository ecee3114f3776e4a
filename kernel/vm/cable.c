/* SPDX-License-Identifier: MIT */
#include "kernel/vm/cable.h"

#include "kernel/vm/message.h"

#define MOVES_MAX 64 /* records at a time: a tick comes for the rest */

static void cable_look(struct cable *c)
{
    if (vuart_may_interrupt(&c->uart) && vuart_look(&c->uart))
        message_send(c->vm, &c->vm->pci.slots[VPCI_CABLE]);
}

static bool cable_is_lost(const struct cable *c)
{
    return atomic_load(&c->far->vm->phase) != VM_RUNNING;
}

static bool cable_can_move(const struct cable *c)
{
    return !tx_is_empty(&c->tx) && (cable_is_lost(c) || rx_has_room(&c->far->rx, TX_RECORD_MAX));
}

/* One record. Under the lock: so this is the one producer there. */
static void cable_move_record(struct cable *c)
{
    uint8_t bytes[TX_RECORD_MAX];
    const size_t len = tx_get(&c->tx, bytes);

    if (cable_is_lost(c))
        return;
    bool has_room = true; /* by cable_can_move() */
    for (size_t i = 0; i < len && has_room; i++)
        has_room = rx_put(&c->far->rx, bytes[i]);
}

/* Whoever finds the lock taken leaves its bytes to who has it, and that one looks again behind it.
 */
static void cable_move(struct cable *c)
{
    uint32_t moves = 0;

    while (moves < MOVES_MAX && cable_can_move(c) && lock_try(&c->moving)) {
        while (moves < MOVES_MAX && cable_can_move(c)) {
            cable_move_record(c);
            moves++;
        }
        lock_release(&c->moving);
        atomic_thread_fence(memory_order_seq_cst);
    }
    if (moves == 0)
        return;
    cable_look(c->far);
    cable_look(c);
}

static void cable_reset(struct cable *c)
{
    tx_init(&c->tx);
    rx_init(&c->rx);
    vuart_reset(&c->uart, &c->tx, &c->rx);
}

static void cable_build_end(struct cable *c, struct cable *far, struct vm *vm)
{
    c->vm = vm;
    c->far = far;
    vm->cable = c;
    cable_reset(c);
}

enum status cable_build(struct vm *a, struct vm *b, struct pages *pages)
{
    struct cable *ends =
        pages_get(pages, (2 * sizeof(*ends) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);

    if (!ends)
        return FAIL(E_NOMEM, "no pages for the cable of '%s'", a->name);
    cable_build_end(&ends[0], &ends[1], a);
    cable_build_end(&ends[1], &ends[0], b);
    return OK;
}

/* What the far end had no room for was meant for the life before. Under its lock; bounded, as it
 * may go on writing. */
static void cable_drop_waiting(struct cable *c)
{
    uint8_t bytes[TX_RECORD_MAX];

    for (uint32_t i = 0; i < TX_RING_RECORDS; i++)
        if (tx_get(&c->tx, bytes) == 0)
            return;
}

/* The far end's lock is that of who writes to `rx`. Both ends may be here at once: the two locks
 * are taken in one order. */
void cable_enter(struct vm *vm)
{
    struct cable *c = vm->cable;

    if (!c)
        return;
    lock_take(c < c->far ? &c->moving : &c->far->moving);
    lock_take(c < c->far ? &c->far->moving : &c->moving);
    cable_reset(c);
    cable_drop_waiting(c->far);
    lock_release(&c->far->moving);
    lock_release(&c->moving);
    vpci_plug(&vm->pci, VPCI_CABLE, &vpci_cable);
}

uint8_t cable_in(struct cable *c, uint32_t reg)
{
    const uint8_t value = vuart_in(&c->uart, reg);

    cable_move(c->far); /* there may be room */
    cable_look(c);
    return value;
}

void cable_out(struct cable *c, uint32_t reg, uint8_t value)
{
    vuart_out(&c->uart, reg, value);
    cable_move(c);
    cable_look(c);
}

void cable_reroute(struct cable *c)
{
    vuart_forget(&c->uart);
    cable_look(c);
}

void cable_tick(struct vm *vm)
{
    struct cable *c = vm->cable;

    if (!c || atomic_load(&vm->phase) != VM_RUNNING)
        return;
    cable_move(c);
    if (vuart_tick(&c->uart))
        message_send(vm, &vm->pci.slots[VPCI_CABLE]);
}
