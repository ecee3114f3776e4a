/* SPDX-License-Identifier: MIT */
#include "kernel/start/runtime_map.h"

#include "lib/bits.h"
#include "mm/range.h"

#define RUNTIME_RIGHTS (BOOT_RUNTIME_WRITE | BOOT_RUNTIME_EXECUTE | BOOT_RUNTIME_UNCACHED)
#define RUNTIME_BOTH   (BOOT_RUNTIME_WRITE | BOOT_RUNTIME_EXECUTE)

/* Where `kind` is one of those that no guest gets and that we do not use. */
static bool runtime_is_foreign(uint32_t kind)
{
    return kind == BOOT_RAM_FIRMWARE || kind == BOOT_RAM_MMIO;
}

/* All of it, perhaps in several neighbours of the list, which is sorted. Flash memory and the like
 * need not be listed by kind at all: then nobody else has it either. */
static bool runtime_is_firmwares(const struct ram_list *list, struct range where)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const struct range r = {list->ranges[i].base, list->ranges[i].size};
        if (!runtime_is_foreign(list->ranges[i].kind) && range_overlaps(r, where))
            return false;
    }
    return true;
}

static const char *runtime_row_flaw(const struct boot_runtime *row, const struct ram_list *list)
{
    const struct range mappable = {RAM_LOW_END, BIT64(47) - RAM_LOW_END};
    uint64_t size;

    if (row->pages == 0 || !mul_u64(row->pages, PAGE_SIZE, &size) ||
        !is_aligned(row->base, PAGE_SIZE) || (row->rights & ~(uint32_t)RUNTIME_RIGHTS) != 0)
        return "the firmware's runtime memory has an entry that makes no sense";
    const struct range where = {row->base, size};
    if (!range_valid(where) || !range_contains(mappable, where))
        return "the firmware's runtime memory is out of reach";
    if (!runtime_is_firmwares(list, where))
        return "the firmware's runtime memory overlaps free memory";
    if ((row->rights & RUNTIME_BOTH) == RUNTIME_BOTH)
        return "the firmware's runtime memory is writable and executable at once";
    return NULL;
}

const char *runtime_map_flaw(const struct boot_info *info, const struct ram_list *list)
{
    const struct boot_runtime *rows = (const struct boot_runtime *)(uintptr_t)info->runtime;
    bool is_code = false;

    if (info->runtime_count == 0)
        return "the firmware's runtime memory is not known";
    for (uint32_t i = 0; i < info->runtime_count; i++) {
        const char *flaw = runtime_row_flaw(&rows[i], list);

        if (flaw != NULL)
            return flaw;
        is_code = is_code || ((rows[i].rights & BOOT_RUNTIME_EXECUTE) != 0 &&
                              info->set_variable - rows[i].base < rows[i].pages * PAGE_SIZE);
    }
    return is_code ? NULL : "the firmware's SetVariable is not in its runtime code";
}
