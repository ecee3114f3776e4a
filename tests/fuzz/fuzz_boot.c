/* SPDX-License-Identifier: MIT */
/*
 * fuzz_boot: any firmware memory map → the list of boot_info: sorted, apart, whole pages, nothing
 * free that any descriptor says otherwise of; and from that list the hypervisor's, with the pool
 * taken out, as kernel/start/address_space.c does it.
 *
 * Input: descriptors of 17 bytes: base, pages, kind.
 */
#include "boot/ranges.h"

#include "lib/bits.h"
#include "mm/range.h"
#include "support.h"

#define DESCRIPTORS_MAX  256
#define DESCRIPTOR_BYTES 17
#define ROWS_MAX         64

struct descriptor {
    uint64_t base, pages;
    enum boot_ram_kind kind;
};

static struct descriptor descriptors[DESCRIPTORS_MAX];
static struct ranges_edge edges[RANGES_EDGES(DESCRIPTORS_MAX)];
static struct boot_range out[RANGES_EDGES(DESCRIPTORS_MAX)];

/* First and last byte of what a descriptor claims. */
static uint64_t last_of(const struct descriptor *d)
{
    uint64_t size;

    if (!mul_u64(d->pages, PAGE_SIZE, &size) || size - 1 > UINT64_MAX - d->base)
        return UINT64_MAX;
    return d->base + (size - 1);
}

static void check_free(const struct boot_range *r)
{
    const uint64_t last = r->base + r->size - 1;
    bool claimed = false;

    for (uint32_t i = 0; i < DESCRIPTORS_MAX; i++) {
        const struct descriptor *d = &descriptors[i];
        if (d->pages == 0)
            continue;
        if (d->kind == BOOT_RAM_FREE)
            claimed |= d->base <= r->base && last_of(d) >= r->base;
        else
            DEMAND(last_of(d) < r->base || d->base > last);
    }
    DEMAND(claimed);
}

static void check_list(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        DEMAND(out[i].size > 0 && (out[i].base | out[i].size) % PAGE_SIZE == 0);
        DEMAND(out[i].size <= UINT64_MAX - out[i].base);
        DEMAND(out[i].kind >= BOOT_RAM_FREE && out[i].kind <= BOOT_RAM_BAD);
        DEMAND(i == 0 || out[i - 1].base + out[i - 1].size <= out[i].base);
        DEMAND(i == 0 || out[i - 1].kind != out[i].kind ||
               out[i - 1].base + out[i - 1].size < out[i].base);
        if (out[i].kind == BOOT_RAM_FREE)
            check_free(&out[i]);
    }
}

static void check_rows(const struct range_list *list)
{
    DEMAND(list->count <= list->max);
    for (uint32_t i = 0; i < list->count; i++) {
        DEMAND(list->rows[i].size > 0 && range_valid(list->rows[i]));
        DEMAND(i == 0 || list->rows[i - 1].base + list->rows[i - 1].size < list->rows[i].base);
    }
}

/* The pieces that are free, in any order, and then a pool and holes out of them. */
static void check_range_list(size_t count)
{
    struct range rows[ROWS_MAX];
    struct range_list list = {.max = ROWS_MAX, .rows = rows};
    struct range pool;

    for (size_t i = 0; i < count; i++) {
        const size_t at = i % 2 ? count - 1 - i / 2 : i / 2;
        if (out[at].kind == BOOT_RAM_FREE &&
            !range_list_add(&list, (struct range){out[at].base, out[at].size}))
            DEMAND(list.count == ROWS_MAX);
        check_rows(&list);
    }
    for (uint32_t i = 0; i < list.count; i++) {
        if (!range_fit(rows[i], PAGE_SIZE, PAGE_SIZE_2M, &pool))
            continue;
        DEMAND(range_contains(rows[i], pool) && is_aligned(pool.base, PAGE_SIZE_2M));
        if (!range_list_remove(&list, pool))
            DEMAND(list.count == ROWS_MAX);
        check_rows(&list);
    }
    for (uint32_t i = 0; i < DESCRIPTORS_MAX; i++) {
        const struct range hole = {descriptors[i].base, descriptors[i].pages};
        if (range_valid(hole) && range_list_remove(&list, hole)) {
            for (uint32_t k = 0; k < list.count; k++)
                DEMAND(!range_overlaps(rows[k], hole));
        }
        check_rows(&list);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    struct ranges r = {.edges = edges, .capacity = ARRAY_SIZE(edges)};

    memset(descriptors, 0, sizeof(descriptors));
    for (uint32_t i = 0; i < DESCRIPTORS_MAX && in.left >= DESCRIPTOR_BYTES; i++) {
        struct descriptor *d = &descriptors[i];
        d->base = fuzz_take(&in, 8);
        d->pages = fuzz_take(&in, 8);
        d->kind = (enum boot_ram_kind)(fuzz_u8(&in) % 8);
        if (!ranges_add(&r, d->base, d->pages, d->kind)) {
            DEMAND(d->kind < BOOT_RAM_FREE || d->kind > BOOT_RAM_BAD);
            d->pages = 0;
        }
    }
    const size_t count = ranges_build(&r, out);
    DEMAND(count <= r.count);
    check_list(count);
    check_range_list(count);
    return 0;
}
