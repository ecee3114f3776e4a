/* SPDX-License-Identifier: MIT */
/*
 * machine_report: what this machine is, in the boot log's first lines: what anybody asks first when
 * something went wrong on it.
 */
#pragma once

#include "boot/boot_info.h"
#include "lib/log.h"
#include "lib/types.h"

/* The processor, by the boot core's word, and its microcode; the firmware, by the loader's; the
 * memory map's sums. Boot core, after trap_init(): a register may be missing. */
void machine_report(const struct boot_info *info, log_sink say);
