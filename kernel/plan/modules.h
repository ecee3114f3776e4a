/* SPDX-License-Identifier: MIT */
/*
 * modules: the loader's list of files as the plan sees it. Pure.
 */
#pragma once

#include "boot/boot_info.h"
#include "kernel/plan/plan.h"

/* Fills machine->modules. Bytes stay where the loader put them. */
void modules_take(struct machine *machine, const struct boot_info *info);

/*
 * Makes the pages of disks free memory where that spares a copy: of each file that the guests name
 * once in all, as a disk that is not loaded again. They are not the hypervisor's any more, but
 * nobody's else than the guest's who names the file.
 */
void modules_give(struct machine *machine, const struct config *config);

/* The first module called `name`, in any case, or NULL. */
const struct machine_module *modules_find(const struct machine *machine, const char *name);
