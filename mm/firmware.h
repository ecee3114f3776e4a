/* SPDX-License-Identifier: MIT */
/*
 * firmware: looks into the page tables that the firmware left active. Its memory map calls their
 * pages free, and they are, but only once our own tables are in CR3. Pure.
 */
#pragma once

#include "lib/types.h"
#include "mm/range.h"

/*
 * True when a table below `root` (the firmware's CR3; four levels) has bytes in `where`; `found` is
 * then the page of one such table. Reads the tables at their physical addresses.
 */
MUST_CHECK bool firmware_table_in(hpa_t root, struct range where, struct range *found);

/*
 * All of `where` (not empty) is mapped by the tables below `root`, each address to itself, and can
 * be written. UEFI Specification "x64 Platforms" promises that of memory only, and of registers
 * nothing.
 */
MUST_CHECK bool firmware_maps(hpa_t root, struct range where);
