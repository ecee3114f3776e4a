/* SPDX-License-Identifier: MIT */
/*
 * modules: boot_info's list of files → the machine's. Pure.
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
    }
}

const struct machine_module *modules_find(const struct machine *machine, const char *name)
{
    for (uint32_t i = 0; i < machine->module_count; i++)
        if (span_is_any_case(span_of(machine->modules[i].name), name))
            return &machine->modules[i];
    return NULL;
}
