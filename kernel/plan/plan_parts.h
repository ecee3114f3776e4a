/* SPDX-License-Identifier: MIT */
/*
 * plan_parts: the steps of plan_make(), one file each. Nobody but kernel/plan/plan_*.c includes it.
 * Each step reports all its errors and goes on, so that the next one's are seen as well.
 */
#pragma once

#include "kernel/plan/plan.h"

/* Reads plan->config, fills the fields of plan->guests[] that its name says. */
void plan_cores(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_memory(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_images(struct plan *plan, const struct machine *machine, struct errors *report);
