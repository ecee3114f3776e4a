/* SPDX-License-Identifier: MIT */
/*
 * firmware: walks tables that others made, so it uses only what the CPU uses: bit 0, bit 7 and the
 * address. SDM "4-Level Paging and 5-Level Paging". Pure.
 */
#include "mm/firmware.h"

#include "lib/bits.h"
#include "mm/pagetable.h"

#define ENTRY_PRESENT BIT64(0)
#define ENTRY_LEAF    BIT64(7) /* at levels 2 and 3 */
#define ENTRY_ADDRESS MASK64(51, 12)

/* The table at `table`, of `level`, and all below it; a level-1 table has none below. */
static bool firmware_walk(uint64_t table, uint32_t level, struct range where, struct range *found)
{
    const uint64_t *entries = (const uint64_t *)(uintptr_t)table;
    const struct range page = {.base = table, .size = PAGE_SIZE};

    if (range_overlaps(page, where)) {
        *found = page;
        return true;
    }
    for (uint32_t i = 0; level > 1 && i < PT_ENTRIES; i++) {
        const bool leaf = level < PT_LEVELS && (entries[i] & ENTRY_LEAF) != 0;
        if ((entries[i] & ENTRY_PRESENT) != 0 && !leaf &&
            firmware_walk(entries[i] & ENTRY_ADDRESS, level - 1, where, found))
            return true;
    }
    return false;
}

bool firmware_table_in(hpa_t root, struct range where, struct range *found)
{
    return firmware_walk(root.v & ENTRY_ADDRESS, PT_LEVELS, where, found);
}
