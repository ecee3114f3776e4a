/* SPDX-License-Identifier: MIT */
/*
 * memory: takes pages from the firmware and remembers them, because two things must know later
 * which pages are ours: the memory map that the hypervisor gets, and the way back after a failure.
 * UEFI "Memory Allocation Services".
 */
#include "boot/loader.h"

#include "lib/bits.h"
#include "lib/string.h"

/* A start-up IPI reaches all of the first MiB, but from 0xa0000 on there is video memory. */
#define MEMORY_LOW_LIMIT 0x9ffff

/* The other cores start in 32-bit mode and must reach what the hypervisor gives them. */
#define MEMORY_IMAGE_LIMIT (4 * GIB - 1)

/* Pages too many: the firmware aligns to 4 KiB only. */
#define MEMORY_SLACK (PLACE_ALIGN / PAGE_SIZE - 1)

/*
 * The first one that is free is taken, and firmware leaves the same ones free in each boot of a
 * machine. Where a 2 MiB page ends, so that guests lose at most one; best the one that begins in
 * the first MiB, which they cannot use anyway.
 */
#define MEMORY_LASTLOG_SIZE (64 * KIB)
#define LASTLOG_BELOW(end)  ((end)-MEMORY_LASTLOG_SIZE)

static const EFI_PHYSICAL_ADDRESS lastlog_places[] = {
    LASTLOG_BELOW(2 * MIB),  LASTLOG_BELOW(4 * MIB),  LASTLOG_BELOW(6 * MIB),
    LASTLOG_BELOW(16 * MIB), LASTLOG_BELOW(32 * MIB), LASTLOG_BELOW(64 * MIB),
};

EFI_STATUS memory_take(struct loader *l, const char *name, uint64_t bytes, uint64_t *base,
                       uint64_t *pages)
{
    EFI_PHYSICAL_ADDRESS at = 0;
    uint64_t whole;

    if (!align_up(bytes, PAGE_SIZE, &whole) ||
        EFI_ERROR(l->bs->AllocatePages(AllocateAnyPages, EfiLoaderData, whole / PAGE_SIZE, &at)))
        return say_no_memory(l, name, bytes);
    *base = at;
    *pages = whole / PAGE_SIZE;
    return EFI_SUCCESS;
}

EFI_STATUS memory_take_block(struct loader *l, enum loader_block which, uint64_t bytes)
{
    return memory_take(l, NULL, bytes, &l->blocks[which].base, &l->blocks[which].pages);
}

/* Gives back what `pages` and the slack, which begin at `got`, have too much at both ends; returns
 * where the pages begin. A failure to do so leaves the slack unused, which harms nobody. */
static uint64_t memory_trim(struct loader *l, uint64_t got, uint64_t pages)
{
    const uint64_t base = align_down(got + MEMORY_SLACK * PAGE_SIZE, PLACE_ALIGN);
    const uint64_t head = (base - got) / PAGE_SIZE;

    if (head != 0)
        l->bs->FreePages(got, head);
    if (head != MEMORY_SLACK)
        l->bs->FreePages(base + pages * PAGE_SIZE, MEMORY_SLACK - head);
    return base;
}

EFI_STATUS memory_take_large(struct loader *l, const char *name, uint64_t bytes, uint64_t *base,
                             uint64_t *pages)
{
    EFI_PHYSICAL_ADDRESS got = 0;
    uint64_t whole;

    if (!align_up(bytes, PLACE_ALIGN, &whole) ||
        EFI_ERROR(l->bs->AllocatePages(AllocateAnyPages, EfiLoaderData,
                                       whole / PAGE_SIZE + MEMORY_SLACK, &got)))
        return say_no_memory(l, name, bytes);
    *pages = whole / PAGE_SIZE;
    *base = memory_trim(l, got, *pages);
    return EFI_SUCCESS;
}

EFI_STATUS memory_take_image(struct loader *l, uint64_t bytes)
{
    EFI_PHYSICAL_ADDRESS got = MEMORY_IMAGE_LIMIT;
    const uint64_t pages = bytes / PAGE_SIZE;

    /* Code, not data: firmware may have mapped its data pages as not executable. */
    if (EFI_ERROR(
            l->bs->AllocatePages(AllocateMaxAddress, EfiLoaderCode, pages + MEMORY_SLACK, &got)))
        return say_no_memory(l, FOLDER_PROGRAM, bytes);
    l->blocks[BLOCK_IMAGE] = (struct block){.base = memory_trim(l, got, pages), .pages = pages};
    return EFI_SUCCESS;
}

EFI_STATUS memory_take_below(struct loader *l, enum loader_block which, EFI_MEMORY_TYPE type,
                             uint64_t pages, uint64_t last)
{
    EFI_PHYSICAL_ADDRESS at = last;

    if (EFI_ERROR(l->bs->AllocatePages(AllocateMaxAddress, type, pages, &at)))
        return say_no_memory(l, NULL, pages * PAGE_SIZE);
    l->blocks[which] = (struct block){.base = at, .pages = pages};
    return EFI_SUCCESS;
}

void memory_take_low(struct loader *l)
{
    EFI_PHYSICAL_ADDRESS at = MEMORY_LOW_LIMIT;

    if (EFI_ERROR(l->bs->AllocatePages(AllocateMaxAddress, EfiLoaderData, 1, &at)))
        return;
    if (at == 0) /* means "none" in boot_info */
        l->bs->FreePages(at, 1);
    else
        l->blocks[BLOCK_LOW] = (struct block){.base = at, .pages = 1};
}

void memory_take_lastlog(struct loader *l)
{
    for (size_t i = 0; i < ARRAY_SIZE(lastlog_places); i++) {
        EFI_PHYSICAL_ADDRESS at = lastlog_places[i];

        if (!EFI_ERROR(l->bs->AllocatePages(AllocateAddress, EfiLoaderData,
                                            MEMORY_LASTLOG_SIZE / PAGE_SIZE, &at))) {
            l->blocks[BLOCK_LASTLOG] =
                (struct block){.base = at, .pages = MEMORY_LASTLOG_SIZE / PAGE_SIZE};
            return;
        }
    }
}

void memory_free_all(struct loader *l)
{
    if (l->info != NULL) {
        for (uint32_t i = 0; i < l->info->module_count; i++) {
            const struct boot_module *m = &l->modules[i];

            if (m->room != 0)
                l->bs->FreePages(m->base, m->room / PAGE_SIZE);
        }
    }
    for (int i = 0; i < BLOCK_COUNT; i++)
        if (l->blocks[i].pages != 0)
            l->bs->FreePages(l->blocks[i].base, l->blocks[i].pages);
    memset(l->blocks, 0, sizeof(l->blocks));
    l->info = NULL;
    l->modules = NULL;
}
