/* SPDX-License-Identifier: MIT */
/*
 * ept: bits of an EPT entry, nothing else. SDM "EPT Translation Mechanism", its tables "Format of
 * an EPT ... Entry", and "EPT Misconfigurations" for what must never be written.
 */
#include "mm/ept.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define EPT_R            BIT64(0)
#define EPT_W            BIT64(1)
#define EPT_X            BIT64(2)
#define EPT_RWX          (EPT_R | EPT_W | EPT_X)
#define EPT_MEMORY_SHIFT 3
#define EPT_LARGE        BIT64(7) /* a leaf, at level 2 or 3 */
#define EPT_ADDRESS      MASK64(51, 12)

#define EPTP_WALK_SHIFT 3 /* levels of the walk, minus one */

enum ept_memory { EPT_UC = 0, EPT_WC = 1, EPT_WB = 6 };

_Static_assert((uint64_t)PT_R == EPT_R && (uint64_t)PT_W == EPT_W && (uint64_t)PT_X == EPT_X,
               "SDM, EPT entries: rights are bits 2..0 and need no translation");

static enum ept_memory ept_memory(enum pt_memory memory)
{
    switch (memory) {
    case PT_WRITE_BACK:
        return EPT_WB;
    case PT_UNCACHED:
        return EPT_UC;
    case PT_WRITE_COMBINING:
        return EPT_WC;
    }
    return EPT_UC;
}

static uint64_t ept_make_table(hpa_t table)
{
    ASSERT((table.v & ~EPT_ADDRESS) == 0);
    return table.v | EPT_RWX;
}

/* Without R, W is a misconfiguration on every CPU and X on some. */
static uint64_t ept_make_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory)
{
    ASSERT(level >= 1 && level <= 3);
    ASSERT((address.v & ~MASK64(51, 12 + 9 * (level - 1))) == 0);
    ASSERT((rights & PT_R) != 0 && (rights & ~EPT_RWX) == 0);
    return address.v | rights | (uint64_t)ept_memory(memory) << EPT_MEMORY_SHIFT |
           (level > 1 ? EPT_LARGE : 0);
}

static bool ept_is_present(uint64_t entry)
{
    return (entry & EPT_RWX) != 0;
}

static bool ept_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (level < PT_LEVELS && (entry & EPT_LARGE) != 0);
}

/* In a large leaf the bits below its size are reserved and zero. */
static hpa_t ept_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & EPT_ADDRESS);
}

static uint32_t ept_rights(uint64_t entry)
{
    return (uint32_t)(entry & EPT_RWX);
}

const struct pt_format ept_format_1g = {
    .name = "EPT",
    .leaf_level_max = 3,
    .make_table = ept_make_table,
    .make_leaf = ept_make_leaf,
    .is_present = ept_is_present,
    .is_leaf = ept_is_leaf,
    .address = ept_address,
    .rights = ept_rights,
};

const struct pt_format ept_format_2m = {
    .name = "EPT",
    .leaf_level_max = 2,
    .make_table = ept_make_table,
    .make_leaf = ept_make_leaf,
    .is_present = ept_is_present,
    .is_leaf = ept_is_leaf,
    .address = ept_address,
    .rights = ept_rights,
};

uint64_t ept_pointer(hpa_t root)
{
    ASSERT((root.v & ~EPT_ADDRESS) == 0);
    return root.v | EPT_WB | (PT_LEVELS - 1) << EPTP_WALK_SHIFT;
}
