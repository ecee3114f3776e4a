/* SPDX-License-Identifier: MIT */
/*
 * ept_valid: the final check of a guest's extended page tables before they are used. Pure.
 */
#pragma once

#include "lib/types.h"
#include "mm/pagetable.h"

/*
 * True when everything that the CPU can find from `root` on is a table inside `map->tables`, or a
 * leaf for memory of the guest that leads where it shall, with the rights RWX and the type
 * write-back, or all zero. What is missing is not noticed: the guest would be. False is our own
 * bug. The tables are readable at their physical addresses.
 */
MUST_CHECK bool ept_valid(const struct guest_map *map, hpa_t root);
