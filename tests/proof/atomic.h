/* SPDX-License-Identifier: MIT */
/*
 * atomic: what C's atomics are to the proofs, in place of <stdatomic.h>. Other cores write them at
 * any time: a load gives any value at all, and an exchange goes well or not as it likes. So what is
 * proved rests on no value in an atomic. Their order is nothing that these proofs know of.
 */
#pragma once

#define __FC_STDATOMIC /* Frama-C's own: not another time */

#include <stdint.h>

#define _Atomic

typedef enum {
    memory_order_relaxed,
    memory_order_acquire,
    memory_order_release,
    memory_order_acq_rel,
    memory_order_seq_cst
} memory_order;

/*@ assigns \nothing; */
uint64_t any_number(void);

/* Of *p what counts is that it can be read. */
#define any_of(p) ((__typeof__(*(p)))(*(p) + any_number()))

#define atomic_init(p, v)                  (*(p) = (v))
#define atomic_load_explicit(p, order)     any_of(p)
#define atomic_load(p)                     any_of(p)
#define atomic_store_explicit(p, v, order) (*(p) = (v))
#define atomic_store(p, v)                 (*(p) = (v))
#define atomic_exchange_explicit(p, v, order) \
    ({                                        \
        __typeof__(*(p)) was = any_of(p);     \
        *(p) = (v);                           \
        was;                                  \
    })
#define atomic_fetch_add_explicit(p, v, order)  atomic_exchange_explicit(p, any_of(p) + (v), order)
#define atomic_fetch_and_explicit(p, v, order)  atomic_exchange_explicit(p, any_of(p) & (v), order)
#define atomic_compare_exchange_strong_explicit atomic_compare_exchange_weak_explicit
#define atomic_exchange(p, v)                   atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define atomic_thread_fence(order)              ((void)0)
#define atomic_compare_exchange_weak_explicit(p, old, new, success, failure) \
    (any_number() != 0 ? (*(p) = (new), 1) : (*(old) = any_of(p), 0))

/* Locks stand in structures that proved functions see; none of those takes one. */
typedef struct {
    uint8_t held;
} atomic_flag;
#define ATOMIC_FLAG_INIT \
    {                    \
        0                \
    }
#define atomic_flag_test_and_set_explicit(f, order) ((f)->held = 1, any_number() != 0)
#define atomic_flag_clear_explicit(f, order)        ((void)((f)->held = 0))
