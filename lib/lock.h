/* SPDX-License-Identifier: MIT */
/*
 * lock: a spin lock with try. The exit path takes none; the console, the log and life-cycle
 * commands do. Lock order: that of the devices' faults, the console's, then its log's.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

struct lock {
    atomic_flag held;
};

#define LOCK_INIT        \
    {                    \
        ATOMIC_FLAG_INIT \
    }

MUST_CHECK static inline bool lock_try(struct lock *l)
{
    return !atomic_flag_test_and_set_explicit(&l->held, memory_order_acquire);
}

static inline void lock_take(struct lock *l)
{
    while (!lock_try(l))
        __builtin_ia32_pause();
}

static inline void lock_release(struct lock *l)
{
    atomic_flag_clear_explicit(&l->held, memory_order_release);
}
