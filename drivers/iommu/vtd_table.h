/* SPDX-License-Identifier: MIT */
/*
 * vtd_table: the format of VT-d's second-level tables for mm/pagetable.c. Pure. Intel
 * Virtualization Technology for Directed I/O "Second-Level Paging Entries".
 */
#pragma once

#include "mm/pagetable.h"

/* Rights are PT_R or PT_R | PT_W, memory is PT_WRITE_BACK: the table is for a device's requests. */
extern const struct pt_format vtd_format;
