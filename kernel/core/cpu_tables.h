/* SPDX-License-Identifier: MIT */
/*
 * cpu_tables: a core's own descriptor tables. The processor writes to them once, when LTR marks the
 * TSS busy.
 */
#pragma once

#include "lib/types.h"
#include "lib/x86/desc.h"

enum gdt_slot { GDT_NULL, GDT_CODE, GDT_DATA_SLOT, GDT_TSS, GDT_TSS_HIGH, GDT_SLOTS };
#define GDT_SELECTOR(slot) ((uint16_t)((slot)*8))

struct cpu_tables {
    uint64_t gdt[GDT_SLOTS];
    struct tss tss;
};
