/* SPDX-License-Identifier: MIT */
/*
 * firmware: walks tables that others made, so it uses only what the CPU uses: bit 0, bit 7 and the
 * address. SDM "4-Level Paging and 5-Level Paging". Pure.
 */
#include "mm/firmware.h"

#include "lib/bits.h"
#include "mm/pagetable.h"

#define ENTRY_PRESENT BIT64(0)
#define ENTRY_WRITE   BIT64(1)
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

/* How much is mapped by the entry that translates `address`, to itself; 0: it is not. */
static uint64_t firmware_leaf(uint64_t root, uint64_t address)
{
    uint64_t table = root & ENTRY_ADDRESS;

    for (uint32_t level = PT_LEVELS; level > 0; level--) {
        const uint64_t size = PAGE_SIZE << 9 * (level - 1);
        const uint64_t *entries = (const uint64_t *)(uintptr_t)table;
        const uint64_t entry = entries[address / size % PT_ENTRIES];

        if (!(entry & ENTRY_PRESENT) || !(entry & ENTRY_WRITE))
            return 0;
        table = entry & ENTRY_ADDRESS;
        if (level == 1 || (level < PT_LEVELS && (entry & ENTRY_LEAF) != 0))
            return align_down(table, size) == align_down(address, size) ? size : 0;
    }
    return 0;
}

bool firmware_maps(hpa_t root, struct range where)
{
    uint64_t size;

    for (uint64_t at = where.base; at - where.base < where.size; at = align_down(at, size) + size) {
        size = firmware_leaf(root.v, at);
        if (size == 0)
            return false;
    }
    return true;
}
