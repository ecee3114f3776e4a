/* SPDX-License-Identifier: MIT */
/*
 * input: routes keyboard input. A byte belongs to the owner of the keyboard when it arrives, and if
 * that is a guest, to its current life; what the owner has not read when that ends is dropped,
 * never given to another. The key (keys.h) gives the keyboard to the monitor, and back to the guest
 * that had it. Pure. Caller: the holder of the console lock.
 *
 * A guest that has the terminal for itself can ask it questions, and the answers come in like keys.
 * So when the key ends that, all that comes in is dropped, the key too, until nothing has come for
 * a while.
 */
#pragma once

#include <stdatomic.h>

#include "kernel/config/config.h"
#include "kernel/console/keys.h"
#include "lib/ring.h"
#include "lib/types.h"

#define INPUT_MONITOR GUESTS_MAX /* as the number of who has the keyboard */

enum input_life { INPUT_UNBORN, INPUT_ALIVE, INPUT_ENDED };

/* What the operator should know of his keys. */
enum input_news { INPUT_NO_NEWS, INPUT_UNREAD, INPUT_NO_LIFE, INPUT_HUSHED };

struct input_owner {
    struct rx_ring *ring;
    enum input_life life;
    enum input_news news; /* to be told */
    bool told;            /* ... that it has no life, since it got the keyboard or lost its life */
    uint32_t dropped;     /* bytes */
};

struct input {
    _Atomic uint32_t focus; /* number of a guest, or INPUT_MONITOR; any core reads */
    uint32_t focus_before;  /* the guest that had it last */
    uint32_t count;         /* guests */
    struct rx_ring monitor; /* core 0 reads */
    struct rx_ring waiting; /* for who has the focus: it has no room, or is not born yet */
    struct input_owner owners[INPUT_MONITOR + 1];
    struct keys keys;
    bool attached;  /* who has the keyboard has the terminal for itself, too */
    bool hushed;    /* what comes in is dropped */
    uint64_t typed; /* TSC of the latest of that */
};

void input_init(struct input *in);

/* One more guest, the first one gets the focus; returns its number. */
uint32_t input_add(struct input *in, struct rx_ring *ring);

/* A byte was typed. Before the first guest is there it waits. */
void input_byte(struct input *in, uint8_t byte, uint64_t now);

/* Hands over what waits, as far as there is room. */
void input_deliver(struct input *in);

/* Somebody else gets the keyboard; what was typed at the monitor but not read yet is dropped, as
 * the one who typed it meant it for somebody else, perhaps. */
void input_focus(struct input *in, uint32_t who);

/* The same for a guest that gets the terminal for itself until the key comes, or until
 * input_detach(), which leaves it the keyboard. */
void input_attach(struct input *in, uint32_t who);
void input_detach(struct input *in);

/* Nothing has come in for `quiet` ticks since then, and nothing of the guest's is still on its way
 * to the terminal: keys count again. */
void input_end_hush(struct input *in, bool on_its_way, uint64_t quiet, uint64_t now);

/* A guest's ring is emptied and read from now on; and no more, until the next life. */
void input_begin_life(struct input *in, uint32_t guest);
void input_end_life(struct input *in, uint32_t guest);

/* Takes one piece of news: whom it is about and how many bytes were dropped. */
enum input_news input_take_news(struct input *in, uint32_t *who, uint32_t *dropped);
