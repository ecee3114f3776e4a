/* SPDX-License-Identifier: MIT */
#include "kernel/console/turns.h"

#include "lib/assert.h"
#include "lib/bits.h"

void turns_init(struct turns *t)
{
    *t = (struct turns){.own = TURNS_OWN};
}

void turns_add(struct turns *t)
{
    ASSERT(t->count < GUESTS_MAX);
    t->guests[t->count] = (struct turn){.credit = t->count == 0 ? TURNS_QUANTUM : 0};
    t->count++;
}

bool turns_is_own(const struct turns *t)
{
    return t->own > 0 || t->count == 0;
}

void turns_charge_own(struct turns *t, uint64_t out)
{
    if (t->count > 0)
        t->own -= (int64_t)out;
}

static void turns_next(struct turns *t)
{
    t->now = (t->now + 1) % t->count;
    t->guests[t->now].credit += TURNS_QUANTUM;
    if (t->now == 0)
        t->own = t->own > 0 ? TURNS_OWN : t->own + TURNS_OWN;
}

void turns_charge(struct turns *t, uint64_t in, uint64_t out, bool hold)
{
    struct turn *turn = &t->guests[t->now];
    const uint64_t taken = turn->charged + in;

    if (out == 0) {
        turn->credit -= (int64_t)in;
        turn->charged = taken;
    } else {
        turn->credit -= (int64_t)(max_u64(out, taken) - turn->charged);
        turn->charged = 0;
    }
    if (turn->credit <= -TURNS_QUANTUM)
        turn->credit = 1 - TURNS_QUANTUM;
    if (turn->credit <= 0 && !hold)
        turns_next(t);
}

void turns_pass(struct turns *t)
{
    struct turn *turn = &t->guests[t->now];

    if (turn->credit > 0)
        turn->credit = 0;
    turns_next(t);
}
