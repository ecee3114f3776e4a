/* SPDX-License-Identifier: MIT */
/*
 * runtime_map: which of the firmware's memory SetVariable needs at run time, and whether that can
 * be believed: none of it may be a guest's or ours. Pure.
 */
#pragma once

#include "boot/boot_info.h"
#include "kernel/start/memory_map.h"

/*
 * What is wrong with info->runtime or info->set_variable, as a part of a sentence; NULL: nothing.
 * All rows are whole pages of what info->ranges calls the firmware's, nothing is writable and
 * executable at once, and SetVariable is in what is executable. Rows may still overlap.
 */
const char *runtime_map_flaw(const struct boot_info *info, const struct ram_list *list);
