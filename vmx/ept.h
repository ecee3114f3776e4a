/* SPDX-License-Identifier: MIT */
/*
 * ept: the format of Intel's extended page tables for mm/pagetable.c, out of which a partition's
 * guest-physical map is made. Pure. SDM "The Extended Page Table Mechanism (EPT)".
 *
 * Memory is write-back whatever the guest's PAT says (the ignore-PAT bit is set); the type of a
 * device's registers is combined with it. The accessed and dirty flags are not used.
 */
#pragma once

#include "lib/types.h"
#include "mm/pagetable.h"

extern const struct pt_format ept_format;

/*
 * The EPT pointer for the VMCS: write-back walks, four levels, accessed/dirty flags off.
 * SDM "Extended-Page-Table Pointer (EPTP)".
 */
uint64_t ept_pointer(hpa_t root);
