/* SPDX-License-Identifier: MIT */
/*
 * nopages: a test build's hook (make HOOK=nopages HOOK_ARG=N). From the Nth request on the page
 * pool is empty: the linker sends the requests here. tests/boot/test_no_memory.py tries one N after
 * another, and learns from the first life how many there are.
 */
#include <stdatomic.h>

#include "lib/log.h"
#include "mm/pages.h"
#include "vmx/vmx.h"

void *__real_pages_get(struct pages *p, uint64_t count, uint64_t align);
void *__real_pages_get_constant(struct pages *p, uint64_t count);
void *__wrap_pages_get(struct pages *p, uint64_t count, uint64_t align);
void *__wrap_pages_get_constant(struct pages *p, uint64_t count);

static uint32_t requests; /* boot core only, as the pool */

void *__wrap_pages_get(struct pages *p, uint64_t count, uint64_t align)
{
    return ++requests < HOOK_ARG ? __real_pages_get(p, count, align) : NULL;
}

void *__wrap_pages_get_constant(struct pages *p, uint64_t count)
{
    return ++requests < HOOK_ARG ? __real_pages_get_constant(p, count) : NULL;
}

void vmx_hook_reset(struct vcpu *v, const struct vcpu_state *state)
{
    static _Atomic bool said;

    (void)v, (void)state;
    if (!atomic_exchange(&said, true))
        log_line("nopages: a boot makes %u requests", requests);
}
