/* SPDX-License-Identifier: MIT */
/*
 * plan_guest: guests of a configuration, and their kernel, as tests of the plan make them, without
 * a parser. Include after support.h.
 */
#pragma once

#include <stdio.h>

#include "kernel/config/config.h"
#include "kernel/plan/machine.h"
#include "pvh_file.h"

/* Adds one with the image k.elf. Lines are 10 for the first guest, 20 for the second...; keys 1 to
 * 4 lines below. */
static inline struct config_guest *plan_guest_add(struct config *config, const char *name,
                                                  uint32_t cores, uint64_t memory)
{
    struct config_guest *g = &config->guests[config->guest_count++];

    snprintf(g->name, sizeof(g->name), "%s", name);
    g->line = 10 * config->guest_count;
    g->cores = (struct config_cores){.line = g->line + 1, .count = cores};
    g->memory = memory;
    g->memory_line = g->line + 2;
    snprintf(g->image, sizeof(g->image), "k.elf");
    g->image_line = g->line + 3;
    g->initrd_line = g->line + 4;
    return g;
}

/* Puts k.elf, the image of those guests, into a machine without files. */
static inline void plan_guest_kernel(struct machine *machine, struct pvh_file *kernel)
{
    struct machine_module *m = &machine->modules[machine->module_count++];

    pvh_file_start(kernel, 0x2000);
    pvh_file_add(kernel, 0x2000, 0x2000, 0x5000);
    snprintf(m->name, sizeof(m->name), "k.elf");
    m->bytes = pvh_file_bytes(kernel);
    m->size = PVH_FILE_SIZE;
}
