/* SPDX-License-Identifier: MIT */
/*
 * memory: a guest's RAM and disks between two lives: cleared, and filled with its image and files.
 * It uses the calling core's window, which is open only during this.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"

/* At the start of a life, and when no other follows, each vCPU clears its share of the guest's
 * memory, on its own core. At the start the lead does so in memory_load(), which then waits for the
 * others' and copies image and disks. */
void memory_scrub_share(struct vm *vm, uint32_t index);
void memory_load(struct vm *vm);

/* Clears host memory that no guest runs in. Any core that may run guests. */
void memory_scrub(struct range host);

/* Clears all of a parked guest's memory, but for disks that it is to find again, as vCPU `index`:
 * waits for the others, which have been asked for their shares. */
void memory_scrub_all(struct vm *vm, uint32_t index);
