/* SPDX-License-Identifier: MIT */
#include "kernel/console/input.h"

#include "lib/assert.h"

static struct input_owner *input_owner(struct input *in)
{
    return &in->owners[atomic_load(&in->focus)];
}

/* What was still to be taken by `owner` is lost. */
static void input_drop(struct input_owner *owner, struct rx_ring *ring)
{
    uint8_t byte;

    while (rx_get(ring, &byte))
        owner->dropped++;
    if (owner->dropped > 0)
        owner->news = INPUT_UNREAD;
}

void input_deliver(struct input *in)
{
    struct input_owner *owner = input_owner(in);
    uint8_t byte;

    if (owner->life != INPUT_ALIVE)
        return;
    while (rx_has_room(owner->ring, 1) && rx_get(&in->waiting, &byte))
        (void)!rx_put(owner->ring, byte);
}

static void input_change(struct input *in, uint32_t who)
{
    struct input_owner *from = input_owner(in);

    if (who == atomic_load(&in->focus))
        return;
    input_deliver(in);
    input_drop(from, &in->waiting);
    from->told = false;
    if (who != INPUT_MONITOR)
        in->focus_before = who;
    atomic_store(&in->focus, who);
}

void input_init(struct input *in)
{
    rx_init(&in->monitor);
    rx_init(&in->waiting);
    in->owners[INPUT_MONITOR] = (struct input_owner){.ring = &in->monitor, .life = INPUT_ALIVE};
}

uint32_t input_add(struct input *in, struct rx_ring *ring)
{
    ASSERT(in->count < INPUT_MONITOR);
    in->owners[in->count] = (struct input_owner){.ring = ring};
    return in->count++;
}

/* Said at the first of such bytes: more of them are no news. */
static void input_tell_no_life(struct input_owner *owner)
{
    if (!owner->told)
        owner->news = INPUT_NO_LIFE;
    owner->told = true;
}

void input_byte(struct input *in, uint8_t byte)
{
    struct input_owner *owner = input_owner(in);

    if (byte == INPUT_KEY)
        input_change(in, owner == &in->owners[INPUT_MONITOR] ? in->focus_before : INPUT_MONITOR);
    else if (owner->life == INPUT_ENDED)
        input_tell_no_life(owner);
    else if (!rx_put(&in->waiting, byte))
        owner->dropped++;
}

void input_focus(struct input *in, uint32_t who)
{
    struct input_owner *monitor = &in->owners[INPUT_MONITOR];

    if (atomic_load(&in->focus) == INPUT_MONITOR && who != INPUT_MONITOR)
        input_drop(monitor, &in->monitor);
    input_change(in, who);
}

void input_begin_life(struct input *in, uint32_t guest)
{
    struct input_owner *owner = &in->owners[guest];

    rx_init(owner->ring);
    owner->life = INPUT_ALIVE;
    owner->told = false;
}

void input_end_life(struct input *in, uint32_t guest)
{
    struct input_owner *owner = &in->owners[guest];

    owner->life = INPUT_ENDED;
    if (owner == input_owner(in))
        input_drop(owner, &in->waiting);
}

enum input_news input_take_news(struct input *in, uint32_t *who, uint32_t *dropped)
{
    for (uint32_t i = 0; i <= INPUT_MONITOR; i++) {
        struct input_owner *owner = &in->owners[i];
        const enum input_news news = owner->news;
        if (news == INPUT_NO_NEWS)
            continue;
        *who = i;
        *dropped = owner->dropped;
        owner->dropped = 0;
        owner->news = INPUT_NO_NEWS;
        return news;
    }
    return INPUT_NO_NEWS;
}
