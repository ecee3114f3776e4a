/* SPDX-License-Identifier: MIT */
/*
 * plan_guest: guests of a configuration as tests of the plan make them, without a parser. Include
 * after support.h.
 */
#pragma once

#include <stdio.h>

#include "kernel/config/config.h"

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
