/* SPDX-License-Identifier: MIT */
/*
 * pages: the hypervisor's own memory: zeroed 4 KiB pages and runs of them, handed out from one
 * range until the pool is sealed, never given back. Pure: works on any memory it is given.
 * Boot core only; after pages_seal() every request is our own bug.
 *
 * Data comes from the low end, what does not change after launch (tables above all) from the high
 * end: so that all of the latter is one range, and can be made read-only.
 */
#pragma once

#include "lib/types.h"
#include "mm/range.h"

struct pages {
    struct range pool; /* identity-mapped: the address is also the pointer */
    uint64_t next;     /* first free byte */
    uint64_t end;      /* behind the last free byte: here the constant pages begin */
    bool sealed;
};

/* `pool`: whole pages, not at address 0; its contents need not be zero. */
void pages_init(struct pages *p, struct range pool);

/*
 * `count` (> 0) zeroed pages in a row, aligned to `align` bytes (a power of two >= 4096); NULL
 * when there is no room, and then nothing is used up.
 */
MUST_CHECK void *pages_get(struct pages *p, uint64_t count, uint64_t align);

/* `count` (> 0) zeroed pages in a row for what is constant after launch; NULL as above. */
MUST_CHECK void *pages_get_constant(struct pages *p, uint64_t count);

/* All that pages_get_constant() gave out. */
struct range pages_constant(const struct pages *p);

void pages_seal(struct pages *p);
uint64_t pages_left(const struct pages *p); /* pages */
