/* SPDX-License-Identifier: MIT */
/*
 * handover: what the loader and the firmware left, believed only after a look. Boot core only, on
 * the firmware's page tables.
 */
#pragma once

#include "boot/boot_info.h"
#include "kernel/start/memory_map.h"
#include "kernel/start/start.h"

/* Whether this boot tries a set of files; also where handover_check() is going to say no. */
bool handover_is_try(const struct boot_info *info);

/* False, after saying why, when the loader and this hypervisor do not belong together. */
MUST_CHECK bool handover_check(const struct boot_info *info);

/* From now on lines are kept for the next boot; says whether the previous one left some. */
void handover_keep_log(const struct boot_info *info);

/* Says which set of files this is, where there are two. */
void handover_tell_set(const struct boot_info *info);

/* The firmware's memory map, and how wide addresses are. */
struct ram_list handover_ram_list(const struct boot_info *info);

/* Reads ACPI, sets the console up as the firmware describes it, silences interrupt controllers and
 * devices. */
void handover_read_firmware(struct start_state *start, const struct boot_info *info);
