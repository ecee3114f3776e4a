/* SPDX-License-Identifier: MIT */
/*
 * amdvi_table: the format of AMD-Vi's host tables for mm/pagetable.c. Pure. AMD I/O Virtualization
 * Technology (IOMMU) Specification "I/O Page Tables for Host Translations".
 */
#pragma once

#include "mm/pagetable.h"

/* Rights are PT_R or PT_R | PT_W, memory is PT_WRITE_BACK: the table is for a device's requests. */
extern const struct pt_format amdvi_format;
