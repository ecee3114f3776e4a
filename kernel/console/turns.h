/* SPDX-License-Identifier: MIT */
/*
 * turns: whose turn it is to output text, fair by bytes of output and not by lines or writes:
 * deficit round robin. The hypervisor's own log is one of those that share, with a larger part; it
 * goes first while it has any of it left, since its lines often explain the guest's next one. Pure.
 * Caller: the holder of the console lock.
 */
#pragma once

#include "kernel/config/config.h"
#include "lib/types.h"

#define TURNS_QUANTUM 256                 /* bytes for each turn; more than the longest line */
#define TURNS_OWN     (4 * TURNS_QUANTUM) /* for the log, each time all guests had a turn */

struct turn {
    int64_t credit;   /* bytes; who overdraws pays with the next turn, and no more */
    uint64_t charged; /* bytes taken and charged since the last output */
};

struct turns {
    int64_t own;         /* the log's credit */
    uint32_t count, now; /* guests; whose turn it is */
    struct turn guests[GUESTS_MAX];
};

/* Without guests yet; the log may speak. */
void turns_init(struct turns *t);

/* One more guest. */
void turns_add(struct turns *t);

/* Whether the log comes before the guest whose turn it is; and it made `out` bytes of output. */
MUST_CHECK bool turns_is_own(const struct turns *t);
void turns_charge_own(struct turns *t, uint64_t out);

/* The guest whose turn it is took `in` bytes from its queue and made `out` bytes of output. What it
 * takes is charged at once and set off against the output that comes of it: so it costs a turn also
 * to send what is never shown. Ends the turn when its credit is used up, unless it has to `hold`.
 */
void turns_charge(struct turns *t, uint64_t in, uint64_t out, bool hold);

/* The guest whose turn it is has nothing more to say. Credit is not saved up. */
void turns_pass(struct turns *t);
