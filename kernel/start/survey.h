/* SPDX-License-Identifier: MIT */
/*
 * survey: what a boot without a configuration is for: the machine's report, with all that the
 * machine lacks, page by page and to be photographed. Boot core only.
 */
#pragma once

#include "boot/boot_info.h"
#include "lib/types.h"

/* Whether this boot has no configuration; then its lines are kept from now on. */
bool survey_begin(const struct boot_info *info);

/* Says what this was and what to do next, then shows all lines again, each page until a key comes
 * or for half a minute. `can`: the machine can run guests. */
void survey_show(bool can);
