/* SPDX-License-Identifier: MIT */
/*
 * npt_valid: the final check of a guest's nested page tables before they are used. Pure.
 */
#pragma once

#include "lib/types.h"
#include "mm/guest_map.h"

/*
 * True when everything that the CPU can find from `root` on is a table inside `tables`, or a leaf
 * that leads where a row of the map says, with that row's rights and memory type, or all zero. What
 * is missing is not noticed: the guest would be. False is our own bug. The tables are readable at
 * their physical addresses.
 */
MUST_CHECK bool npt_valid(const struct guest_map *map, struct range tables, hpa_t root);
