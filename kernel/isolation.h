/* SPDX-License-Identifier: MIT */
/*
 * isolation: who owns what on this machine, and what is not isolated, as a table a person can
 * read. Says only what the tables in force say. Pure.
 */
#pragma once

#include "kernel/boot.h"
#include "kernel/partition.h"
#include "kernel/plan.h"
#include "lib/types.h"

/* Line `index` of the report; false: there is no such line. */
MUST_CHECK bool isolation_line(const struct boot_state *boot, const struct plan *plan,
                               uint32_t index, char *buf, size_t size);
