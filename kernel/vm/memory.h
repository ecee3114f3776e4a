/* SPDX-License-Identifier: MIT */
/*
 * memory: a guest's RAM between two lives: cleared, and filled with its image. Through the calling
 * core's window, which is open only meanwhile.
 */
#pragma once

#include "kernel/vm/vm.h"
#include "lib/types.h"

/* At the start of a life each vCPU clears its share of the guest's memory, on its own core. The
 * lead does so in memory_load(), which then waits for the others' and copies the image. */
void memory_scrub_share(struct vm *vm, uint32_t index);
void memory_load(struct vm *vm);

/* Clears all of a parked guest's memory. */
void memory_scrub_all(const struct vm *vm);
