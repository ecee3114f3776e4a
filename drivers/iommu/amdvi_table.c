/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/amdvi_table.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define AMDVI_PR         BIT64(0)
#define AMDVI_NEXT_SHIFT 9 /* level of the table that the entry leads to, in 11:9; 0: a leaf */
#define AMDVI_NEXT       MASK64(11, 9)
#define AMDVI_ADDRESS    MASK64(51, 12)
#define AMDVI_FC         BIT64(60) /* a leaf's: accesses are coherent */
#define AMDVI_IR         BIT64(61)
#define AMDVI_IW         BIT64(62)

static uint64_t amdvi_make_table(hpa_t table, uint32_t level)
{
    ASSERT(level >= 2 && level <= PT_LEVELS && (table.v & ~AMDVI_ADDRESS) == 0);
    return table.v | AMDVI_PR | (uint64_t)(level - 1) << AMDVI_NEXT_SHIFT | AMDVI_IR | AMDVI_IW;
}

static uint64_t amdvi_make_leaf(hpa_t address, uint32_t level, uint32_t rights,
                                enum pt_memory memory)
{
    ASSERT(level >= 1 && level <= 3);
    ASSERT((address.v & ~MASK64(51, 12 + 9 * (level - 1))) == 0);
    ASSERT(rights == PT_R || rights == (PT_R | PT_W));
    ASSERT(memory == PT_WRITE_BACK);
    return address.v | AMDVI_PR | AMDVI_FC | AMDVI_IR | (rights & PT_W ? AMDVI_IW : 0);
}

static bool amdvi_is_present(uint64_t entry)
{
    return (entry & AMDVI_PR) != 0;
}

static bool amdvi_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (entry & AMDVI_NEXT) == 0;
}

static hpa_t amdvi_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & AMDVI_ADDRESS);
}

static uint32_t amdvi_rights(uint64_t entry)
{
    return (entry & AMDVI_IR ? PT_R : 0u) | (entry & AMDVI_IW ? PT_W : 0u);
}

const struct pt_format amdvi_format = {
    .name = "AMD-Vi table",
    .make_table = amdvi_make_table,
    .make_leaf = amdvi_make_leaf,
    .is_present = amdvi_is_present,
    .is_leaf = amdvi_is_leaf,
    .address = amdvi_address,
    .rights = amdvi_rights,
};
