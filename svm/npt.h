/* SPDX-License-Identifier: MIT */
/*
 * npt: the format of AMD's nested page tables for mm/pagetable.c, out of which a partition's
 * guest-physical map is made. Pure. APM "Nested Paging", "Long-Mode Page Translation".
 *
 * The entries are those of a long-mode page table and read in the host's mode: HOST_PAT and
 * EFER.NXE are in force (mm/hostmap.h). The root goes into the VMCB's nested_cr3 as it is: its
 * PCD and PWT are 0, write-back walks.
 */
#pragma once

#include "mm/pagetable.h"

extern const struct pt_format npt_format;
