/* SPDX-License-Identifier: MIT */
/*
 * paging: the first 4 GiB at their own addresses, with only the rights that a program in C needs,
 * so that a mistake ends where it is made: nothing at page 0 nor below a stack, code and constants
 * read-only, everything else not executable.
 */
#pragma once

#include "lib/types.h"

void paging_init(void); /* by kit_main(), in the tables that start.asm made */

/* For a guest that tests the machine and not itself: all of it readable, writable and executable,
 * at every CPL, in 2 MiB pages. Before the other cores are started. */
void paging_open(void);

/* One page of the image, or below it. Before the other cores are started. */
void paging_guard(const void *page); /* no access at all */
void paging_code(const void *page);  /* executable, read-only */

bool paging_is_guard(uint64_t address);
