/* SPDX-License-Identifier: MIT */
/*
 * tables: a test build's hook (make HOOK=tables). Every guest has a page in the place of a device's
 * MSI-X table, but no device: what writing to one does can be seen on a machine without an IOMMU.
 */
#include "kernel/vm/build.h"
#include "lib/log.h"

#define TABLE_AT UINT64_C(0xb0000000) /* where no guest of the tests has anything */

enum status __real_build_vm(struct vm **out, const struct plan_guest *plan, uint32_t index,
                            const struct build_kit *kit);
enum status __wrap_build_vm(struct vm **out, const struct plan_guest *plan, uint32_t index,
                            const struct build_kit *kit);

enum status __wrap_build_vm(struct vm **out, const struct plan_guest *plan, uint32_t index,
                            const struct build_kit *kit)
{
    static struct plan_guest plans[GUESTS_MAX];
    const void *page = pages_get(kit->pages, 1, PAGE_SIZE);

    if (!page)
        return FAIL(E_NOMEM, "tables: no page for '%s'", plan->config->name);
    plans[index] = *plan;
    guest_map_add_table(&plans[index].map, gpa(TABLE_AT), hpa((uint64_t)(uintptr_t)page), PAGE_SIZE,
                        "other");
    return __real_build_vm(out, &plans[index], index, kit);
}
