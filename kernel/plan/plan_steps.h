/* SPDX-License-Identifier: MIT */
/*
 * plan_steps: the parts of plan_make(), one file each. Nobody but kernel/plan*.c includes it.
 * Each step reports all its errors and goes on, so that the next one's are seen as well.
 */
#pragma once

#include "kernel/plan/plan.h"

/* Reads plan->config, fills the fields of plan->guests[] that its name says. */
void plan_cores(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_memory(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_images(struct plan *plan, const struct machine *machine, struct errors *report);

/* ", 1 for 'clock', 2 for 'linux'": who has what of something that is short. */
struct plan_takers {
    char text[96];
    size_t len;
    uint32_t unnamed; /* guests that found no room in `text` */
};

void plan_takers_add(struct plan_takers *takers, const char *amount, const char *name);

/* Ends the list; the text lives as long as `takers`. */
const char *plan_takers_text(struct plan_takers *takers);
