/* SPDX-License-Identifier: MIT */
/*
 * pvh: the structures of Xen's "x86/HVM direct boot ABI" (xen/include/public/arch-x86/hvm/
 * start_info.h), as a guest reads them. Little-endian, all addresses guest-physical.
 */
#pragma once

#include "lib/types.h"

#define PVH_NOTE_NAME    "Xen"
#define PVH_NOTE_ENTRY   18 /* XEN_ELFNOTE_PHYS32_ENTRY */
#define PVH_START_MAGIC  0x336ec578
#define PVH_START_V1     1 /* the first version with a memory map */
#define PVH_MEM_RAM      1 /* types of memory as in the ACPI specification's E820 table */
#define PVH_MEM_RESERVED 2
#define PVH_MEM_PMEM     7  /* persistent; XEN_HVM_MEMMAP_TYPE_PMEM */
#define PVH_MEM_PRAM     12 /* the same to Linux, which takes 7 for what an ACPI table describes */

struct pvh_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags; /* 0: not a privileged domain */
    uint32_t module_count;
    uint64_t modules; /* struct pvh_module[]; module 0 is the initrd */
    uint64_t cmdline; /* text with a NUL */
    uint64_t rsdp;    /* 0: no ACPI tables */
    uint64_t memory_map;
    uint32_t memory_map_count;
    uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct pvh_start_info) == 56, "HVM direct boot ABI, version 1");
_Static_assert(offsetof(struct pvh_start_info, memory_map) == 40, "HVM direct boot ABI");

struct pvh_module {
    uint64_t base;
    uint64_t size;    /* bytes */
    uint64_t cmdline; /* 0: none */
    uint64_t reserved;
};
_Static_assert(sizeof(struct pvh_module) == 32, "HVM direct boot ABI");

struct pvh_memory {
    uint64_t base;
    uint64_t size; /* bytes */
    uint32_t type; /* PVH_MEM_... */
    uint32_t reserved;
};
_Static_assert(sizeof(struct pvh_memory) == 24, "HVM direct boot ABI");
