/* SPDX-License-Identifier: MIT */
/*
 * debug: a guest that somebody debugs from outside: its cores held and let go, its breakpoints in
 * their debug registers, its memory. Only for a guest whose section says `debug`: for all others
 * vm->debug is NULL, and nothing here does anything (docs/decisions/012).
 */
#pragma once

#include "kernel/vm/vm.h"
#include "mm/pages.h"

/* ------------------------------------------------------------------ boot core */

/* Gives the guest what it takes to be debugged. E_NOMEM */
MUST_CHECK enum status debug_build(struct vm *vm, struct pages *pages);

/* ------------------------------------------------------------------ on v's own core */

/* In the guest, or about to be: whether it stays out of it for now. `kicks`: those just taken. */
MUST_CHECK bool debug_holds(struct vcpu *v, uint32_t kicks);

/* Out of the guest, parked or waiting for a SIPI. */
void debug_away(struct vcpu *v);

/* Whether the #DB of exit `x` is the debugger's and not the guest's. */
MUST_CHECK bool debug_takes(struct vcpu *v, const struct vcpu_exit *x);

static inline bool debug_is_held(const struct vcpu *v)
{
    const struct debug *d = v->vm->debug;

    return d != NULL && atomic_load(&d->cores[v->index].place) == DEBUG_HELD;
}

/* ------------------------------------------------------------------ any core */

/* Asks all of the guest's cores to stop, those too that are not running yet. */
void debug_hold(struct vm *vm);

/* ------------------------------------------------------------------ the debugger's core */

/* All its cores that run are held. Until debug_let_go() the debugger's core may then read and write
 * their `state`, and nobody else does; `is_changed`: it wrote. */
MUST_CHECK bool debug_is_stopped(const struct vm *vm);

/* Sends cores on, as `acts` says (enum debug_act, by index); those that are to stay, stay. */
void debug_let_go(struct vm *vm, const uint8_t *acts);

/* Sends all on, without breakpoints. */
void debug_end(struct vm *vm);

/* From the next debug_let_go() on. False: there is no debug register left for it (the guest's own
 * count as well), or it is nothing that one can watch. */
MUST_CHECK bool debug_break(struct vm *vm, const struct debug_break *what);
void debug_unbreak(struct vm *vm, const struct debug_break *what);

/* Copies from or to RAM or a disk of the guest, which is stopped: how many bytes, up to where such
 * memory ends. On the debugger's core, by its window. */
size_t debug_read(struct vm *vm, gpa_t at, uint8_t *bytes, size_t size);
size_t debug_write(struct vm *vm, gpa_t at, const uint8_t *bytes, size_t size);
