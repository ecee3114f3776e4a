/* SPDX-License-Identifier: MIT */
/*
 * memmap: leaves boot services and translates the firmware's memory map. The two belong together:
 * the map that counts is the one whose key ExitBootServices accepts, and after that no memory can
 * be allocated, so everything is allocated beforehand. UEFI "EFI_BOOT_SERVICES.GetMemoryMap()",
 * "EFI_BOOT_SERVICES.ExitBootServices()".
 */
#include "boot/loader.h"

#include "lib/assert.h"
#include "lib/string.h"

/*
 * Descriptors beyond twice what the firmware has now: our own allocations split some, and what
 * event handlers do during ExitBootServices splits more.
 */
#define MEMMAP_SPARE 512

/* The first call may change the map and then fails with a stale key; UEFI promises no number. */
#define MEMMAP_TRIES 8

/* Beyond these it is no memory map: sizes made of them would wrap. */
#define MEMMAP_STEP_MAX 4096
#define MEMMAP_SIZE_MAX (64 * MIB)

/* Not in gnu-efi 3.0.15: "Specific-purpose memory", reserved by its vendor for certain programs. */
#define MEMMAP_SPECIFIC_PURPOSE UINT64_C(0x40000)

/* UEFI "Memory Type Usage after EFI_BOOT_SERVICES.ExitBootServices()". */
static enum boot_ram_kind memmap_kind(const EFI_MEMORY_DESCRIPTOR *d)
{
    switch (d->Type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        /* Memory that cannot be cached normally, or that runtime services use, is not free. */
        if ((d->Attribute & EFI_MEMORY_WB) == 0 ||
            (d->Attribute & (EFI_MEMORY_RUNTIME | MEMMAP_SPECIFIC_PURPOSE)) != 0)
            return BOOT_RAM_FIRMWARE;
        return BOOT_RAM_FREE;
    case EfiACPIReclaimMemory:
        return BOOT_RAM_ACPI;
    case EfiMemoryMappedIO:
    case EfiMemoryMappedIOPortSpace:
        return BOOT_RAM_MMIO;
    case EfiUnusableMemory:
        return BOOT_RAM_BAD;
    default: /* runtime services, NVS, reserved, persistent, unaccepted, and whatever comes */
        return BOOT_RAM_FIRMWARE;
    }
}

static EFI_STATUS memmap_get(struct loader *l, UINTN *key)
{
    UINT32 version = 0;

    l->map_size = l->map_capacity;
    return l->bs->GetMemoryMap(&l->map_size, l->map, key, &l->map_step, &version);
}

EFI_STATUS memmap_prepare(struct loader *l)
{
    UINTN key = 0;
    UINTN descriptors;
    size_t edges;
    EFI_STATUS s = memmap_get(l, &key); /* no buffer yet: asks for the size */

    if (s != EFI_BUFFER_TOO_SMALL || l->map_size > MEMMAP_SIZE_MAX ||
        l->map_step < sizeof(EFI_MEMORY_DESCRIPTOR) || l->map_step > MEMMAP_STEP_MAX)
        return say_refusal(l, NULL, "GetMemoryMap does not return a usable size of the memory map");
    descriptors = 2 * (l->map_size / l->map_step) + MEMMAP_SPARE;
    s = runtime_prepare(l, descriptors);
    if (EFI_ERROR(s))
        return s;
    edges = RANGES_EDGES(descriptors + l->info->module_count + BLOCK_COUNT);
    s = memory_take_block(l, BLOCK_RANGES, edges * sizeof(struct boot_range));
    if (EFI_ERROR(s))
        return s;
    l->map_capacity = descriptors * l->map_step;
    s = memory_take_block(l, BLOCK_SCRATCH, l->map_capacity + edges * sizeof(struct ranges_edge));
    if (EFI_ERROR(s))
        return s;
    l->edges.edges = (struct ranges_edge *)l->blocks[BLOCK_SCRATCH].base;
    l->edges.capacity = edges;
    l->map = l->edges.edges + edges;
    return EFI_SUCCESS;
}

EFI_STATUS memmap_exit(struct loader *l)
{
    EFI_STATUS s = EFI_SUCCESS;

    for (int i = 0; i < MEMMAP_TRIES; i++) {
        const UINTN step = l->map_step; /* everything was counted with it */
        UINTN key = 0;

        s = memmap_get(l, &key);
        if (!EFI_ERROR(s) && (l->map_step != step || l->map_size > l->map_capacity))
            s = EFI_INVALID_PARAMETER;
        if (EFI_ERROR(s))
            return say_failure(l, NULL, "GetMemoryMap failed", s);
        /* From here on only these two calls are allowed, even if this one fails. */
        l->leaving = true;
        s = l->bs->ExitBootServices(l->image, key);
        if (s != EFI_INVALID_PARAMETER)
            break;
    }
    if (EFI_ERROR(s))
        return say_failure(l, NULL, "ExitBootServices failed", s);
    return EFI_SUCCESS;
}

/* memmap_prepare() has counted every run of ours, so there is room. */
static void memmap_add_own(struct loader *l, uint64_t base, uint64_t pages)
{
    bool added = ranges_add(&l->edges, base, pages, BOOT_RAM_LOADER);

    ASSERT(added);
}

void memmap_convert(struct loader *l)
{
    const uint8_t *at = l->map;

    for (enum loader_block b = 0; b < BLOCK_SCRATCH; b++)
        memmap_add_own(l, l->blocks[b].base, l->blocks[b].pages);
    for (uint32_t i = 0; i < l->info->module_count; i++)
        memmap_add_own(l, l->modules[i].base, l->modules[i].room / PAGE_SIZE);
    for (UINTN done = 0; l->map_size - done >= l->map_step; done += l->map_step) {
        EFI_MEMORY_DESCRIPTOR d;

        memcpy(&d, at + done, sizeof(d));
        if (!ranges_add(&l->edges, d.PhysicalStart, d.NumberOfPages, memmap_kind(&d)))
            break; /* what is not listed is never used */
    }
    runtime_convert(l); /* from the map, before its pages are sorted */
    l->info->ranges = l->blocks[BLOCK_RANGES].base;
    l->info->range_count = (uint32_t)ranges_build(
        &l->edges, (struct boot_range *)l->blocks[BLOCK_RANGES].base); /* counts fit: bytes did */
}
