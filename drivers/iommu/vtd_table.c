/* SPDX-License-Identifier: MIT */
#include "drivers/iommu/vtd_table.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define VTD_R       BIT64(0)
#define VTD_W       BIT64(1)
#define VTD_LARGE   BIT64(7) /* a leaf, at level 2 or 3; ignored at level 1 */
#define VTD_ADDRESS MASK64(51, 12)

static uint64_t vtd_make_table(hpa_t table, uint32_t level)
{
    (void)level;
    ASSERT((table.v & ~VTD_ADDRESS) == 0);
    return table.v | VTD_R | VTD_W;
}

static uint64_t vtd_make_leaf(hpa_t address, uint32_t level, uint32_t rights, enum pt_memory memory)
{
    ASSERT(level >= 1 && level <= 3);
    ASSERT((address.v & ~MASK64(51, 12 + 9 * (level - 1))) == 0);
    ASSERT(rights == PT_R || rights == (PT_R | PT_W));
    ASSERT(memory == PT_WRITE_BACK);
    return address.v | VTD_R | (rights & PT_W ? VTD_W : 0) | (level > 1 ? VTD_LARGE : 0);
}

static bool vtd_is_present(uint64_t entry)
{
    return (entry & (VTD_R | VTD_W)) != 0;
}

static bool vtd_is_leaf(uint64_t entry, uint32_t level)
{
    return level == 1 || (level < PT_LEVELS && (entry & VTD_LARGE) != 0);
}

static hpa_t vtd_address(uint64_t entry, uint32_t level)
{
    (void)level;
    return hpa(entry & VTD_ADDRESS);
}

static uint32_t vtd_rights(uint64_t entry)
{
    return (entry & VTD_R ? PT_R : 0u) | (entry & VTD_W ? PT_W : 0u);
}

const struct pt_format vtd_format = {
    .name = "VT-d table",
    .make_table = vtd_make_table,
    .make_leaf = vtd_make_leaf,
    .is_present = vtd_is_present,
    .is_leaf = vtd_is_leaf,
    .address = vtd_address,
    .rights = vtd_rights,
};
