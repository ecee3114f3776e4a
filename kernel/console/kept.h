/* SPDX-License-Identifier: MIT */
/*
 * kept: the hypervisor's lines in memory that outlives a reset (lastlog.h), for all cores.
 */
#pragma once

#include "kernel/console/lastlog.h"
#include "lib/types.h"

/* Lines are kept in this memory from now on. How many the previous boot left. */
uint32_t kept_init(void *memory, size_t size);

/* A line without its newline, for a part of lastlog.h. Any core. */
void kept_add(uint32_t part, const char *line, size_t len);

/* The same in a panic: takes no lock. */
void kept_add_last(const char *line, size_t len);

/* The last `count` lines of this boot or the previous one; take them with kept_next(). */
struct lastlog_lines kept_tail(bool previous, uint32_t count);
MUST_CHECK bool kept_next(struct lastlog_lines *lines, char *line, size_t size);
