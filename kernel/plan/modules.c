/* SPDX-License-Identifier: MIT */
/*
 * modules: boot_info's list of files → the machine's, and which of them are memory for a guest.
 * Pure.
 */
#include "kernel/plan/modules.h"

#include "kernel/config/text_span.h"
#include "lib/bits.h"
#include "lib/string.h"

_Static_assert(FILE_NAME_MAX == BOOT_NAME_MAX, "no name is cut");

void modules_take(struct machine *machine, const struct boot_info *info)
{
    const struct boot_module *from = (const struct boot_module *)(uintptr_t)info->modules;

    machine->module_count = (uint32_t)min_u64(info->module_count, MACHINE_MODULES_MAX);
    for (uint32_t i = 0; i < machine->module_count; i++) {
        struct machine_module *m = &machine->modules[i];
        (void)text_copy(m->name, sizeof(m->name), from[i].name);
        m->bytes = (const uint8_t *)(uintptr_t)from[i].base;
        m->size = from[i].size;
        m->place = (struct range){.base = from[i].base, .size = from[i].room};
    }
}

const struct machine_module *modules_find(const struct machine *machine, const char *name)
{
    for (uint32_t i = 0; i < machine->module_count; i++)
        if (span_is_any_case(span_of(machine->modules[i].name), name))
            return &machine->modules[i];
    return NULL;
}

/* How often guests name the file; `kept` where one of them needs it as it is. */
static uint32_t modules_count_uses(const struct config *config, const char *name, bool *kept)
{
    const struct span file = span_of(name);
    uint32_t count = 0;

    *kept = false;
    for (uint32_t g = 0; g < config->guest_count; g++) {
        const struct config_guest *guest = &config->guests[g];
        if (span_is_any_case(file, guest->image) || span_is_any_case(file, guest->initrd))
            *kept = true;
        for (uint32_t d = 0; d < guest->disk_count; d++) {
            if (!span_is_any_case(file, guest->disks[d].file))
                continue;
            count++;
            *kept = *kept || guest->disks[d].fresh;
        }
    }
    return count;
}

/* Moves `place` from what the hypervisor keeps to what is free; false: nothing has changed. */
static bool modules_free(struct machine *machine, struct range place)
{
    struct range_list list = {machine->range_count, MACHINE_RANGES_MAX, machine->ranges};
    uint32_t i = 0;

    while (i < machine->own_count &&
           (machine->own[i].base != place.base || machine->own[i].size != place.size))
        i++;
    if (i == machine->own_count || !range_list_add(&list, place))
        return false;
    machine->own[i] = machine->own[--machine->own_count];
    machine->range_count = list.count;
    return true;
}

void modules_give(struct machine *machine, const struct config *config)
{
    for (uint32_t i = 0; i < machine->module_count; i++) {
        struct machine_module *m = &machine->modules[i];
        bool kept;
        if (m->size == 0 || !is_aligned(m->place.base | m->place.size, PAGE_SIZE_2M) ||
            modules_count_uses(config, m->name, &kept) != 1 || kept)
            continue;
        m->given = modules_free(machine, m->place);
    }
}
