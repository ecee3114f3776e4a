/* SPDX-License-Identifier: MIT */
/*
 * pages: hands the pool out from its two ends. What alignment skips is lost: the pool is sized with
 * room to spare, and nothing ever comes back that a free list could serve again.
 */
#include "mm/pages.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/string.h"

static uint64_t pages_bytes_left(const struct pages *p)
{
    return p->end - p->next;
}

void pages_init(struct pages *p, struct range pool)
{
    ASSERT(range_valid(pool) && pool.base != 0); /* address 0 would be the pointer "none" */
    ASSERT(is_aligned(pool.base, PAGE_SIZE) && is_aligned(pool.size, PAGE_SIZE));
    *p = (struct pages){.pool = pool, .next = pool.base, .end = pool.base + pool.size};
}

void *pages_get(struct pages *p, uint64_t count, uint64_t align)
{
    uint64_t size;
    struct range place;

    ASSERT(!p->sealed);
    ASSERT(count > 0 && is_power_of_two(align) && align >= PAGE_SIZE);
    if (!mul_u64(count, PAGE_SIZE, &size))
        return NULL;
    struct range rest = {.base = p->next, .size = pages_bytes_left(p)};
    if (!range_fit(rest, size, align, &place))
        return NULL;
    p->next = place.base + place.size;

    void *run = (void *)(uintptr_t)place.base;
    memset(run, 0, place.size);
    return run;
}

void *pages_get_constant(struct pages *p, uint64_t count)
{
    ASSERT(!p->sealed && count > 0);
    if (count > pages_left(p))
        return NULL;
    p->end -= count * PAGE_SIZE;

    void *run = (void *)(uintptr_t)p->end;
    memset(run, 0, count * PAGE_SIZE);
    return run;
}

struct range pages_constant(const struct pages *p)
{
    return (struct range){p->end, p->pool.base + p->pool.size - p->end};
}

void pages_seal(struct pages *p)
{
    p->sealed = true;
}

uint64_t pages_left(const struct pages *p)
{
    return pages_bytes_left(p) / PAGE_SIZE;
}
