/* SPDX-License-Identifier: MIT */
/*
 * levels: where the firmware runs with 5-level paging, the hypervisor is entered with four, which
 * is what its own tables have. The four-level root is a copy of the table that the firmware's first
 * PML5 entry leads to: all of its identity map below 256 TiB, in one page below 4 GiB.
 * SDM "5-Level Paging and 5-Level EPT".
 */
#include "boot/loader.h"

#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

/* Outside IA-32e mode addresses and CR3 have 32 bits. */
#define LEVELS_LIMIT (4 * GIB - 1)

#define LEVELS_ADDRESS UINT64_C(0x000ffffffffff000)

/* Of BLOCK_LEVELS_DATA: the root, then the stack. */
#define LEVELS_DATA_PAGES 2

/* levels.asm */
extern const uint8_t levels_code[];
extern const uint32_t levels_size;

EFI_STATUS levels_prepare(struct loader *l)
{
    struct block *code = &l->blocks[BLOCK_LEVELS_CODE];
    EFI_STATUS s;

    if ((read_cr4() & CR4_LA57) == 0)
        return EFI_SUCCESS;
    s = memory_take_below(l, BLOCK_LEVELS_CODE, EfiLoaderCode, 1, LEVELS_LIMIT);
    if (!EFI_ERROR(s))
        s = memory_take_below(l, BLOCK_LEVELS_DATA, EfiLoaderData, LEVELS_DATA_PAGES, LEVELS_LIMIT);
    if (!EFI_ERROR(s))
        s = attributes_make_writable(l, NULL, code->base, PAGE_SIZE);
    if (EFI_ERROR(s))
        return s;
    memset((void *)code->base, 0, PAGE_SIZE);
    memcpy((void *)code->base, levels_code, levels_size);
    return attributes_make_code(l, NULL, code->base, PAGE_SIZE);
}

/*
 * The firmware's tables are read as late as this: up to ExitBootServices it may change them. Its
 * first PML5 entry is present, as the pages that this writes to are reached through it.
 */
void levels_handoff(const struct loader *l, uint64_t entry)
{
    const uint64_t code = l->blocks[BLOCK_LEVELS_CODE].base;
    const uint64_t root = l->blocks[BLOCK_LEVELS_DATA].base;
    const uint64_t *pml5;

    if (code == 0)
        handoff(entry, l->info);
    pml5 = (const uint64_t *)(read_cr3() & LEVELS_ADDRESS);
    memcpy((void *)root, (const void *)(pml5[0] & LEVELS_ADDRESS), PAGE_SIZE);
    handoff_levels(entry, l->info, root, root + LEVELS_DATA_PAGES * PAGE_SIZE, code);
}
