/* SPDX-License-Identifier: MIT */
/*
 * plan_disks: finds the files of guests' disks and enters them in their maps: by the pages that the
 * file was loaded to where modules_give() has made them free, else by a copy's. Pure.
 */
#include "kernel/plan/plan_parts.h"

#include "lib/bits.h"

void plan_disks(struct plan *plan, const struct machine *machine, struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        struct plan_guest *guest = &plan->guests[g];
        for (uint32_t d = 0; d < guest->config->disk_count; d++) {
            const struct config_disk *wish = &guest->config->disks[d];
            const struct plan_file file = {guest->config->name, "disk", wish->file, wish->line};
            guest->disks[d].module = plan_find_file(machine, &file, report);
        }
    }
}

uint64_t plan_disk_copy(const struct plan_guest *guest, uint32_t d)
{
    const struct machine_module *module = guest->disks[d].module;
    uint64_t size = 0;

    if (module == NULL || module->given)
        return 0;
    /* What is too large for any machine finds no place either. */
    return align_up(module->size, PAGE_SIZE_2M, &size) ? size : GUEST_MEMORY_MAX;
}

void plan_disks_place(struct plan_guest *guest, const struct range copies[DISKS_MAX])
{
    for (uint32_t d = 0; d < guest->config->disk_count; d++) {
        const struct config_disk *wish = &guest->config->disks[d];
        const struct machine_module *module = guest->disks[d].module;
        if (module == NULL)
            continue; /* the plan is refused */
        const struct range to = module->given ? module->place : copies[d];
        guest->disks[d].at =
            guest_map_add_disk(&guest->map, hpa(to.base), to.size, wish->read_only, wish->file);
    }
}
