/* SPDX-License-Identifier: MIT */
/*
 * modules: the loader's list of files as the plan sees it. Pure.
 */
#pragma once

#include "boot/boot_info.h"
#include "kernel/plan/plan.h"

/* Fills machine->modules. Bytes stay where the loader put them. */
void modules_take(struct machine *machine, const struct boot_info *info);

/* The first module called `name`, in any case, or NULL. */
const struct machine_module *modules_find(const struct machine *machine, const char *name);
