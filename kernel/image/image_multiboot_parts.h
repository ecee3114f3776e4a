/* SPDX-License-Identifier: MIT */
/*
 * image_multiboot_parts: what both versions of multiboot share. Only
 * kernel/image/image_multiboot*.c include it.
 */
#pragma once

#include "kernel/image/image_parts.h"
#include "kernel/image/multiboot.h"

#define MULTIBOOT_LOADER_NAME "Bulkhead"

/* What a header of either version asks for. */
struct multiboot_wish {
    uint64_t at;        /* offset of the header in the file */
    bool has_addresses; /* the next four; else the file is an ELF file */
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr;
    bool has_entry;
    uint32_t entry_addr;
};

/* Modules: the initrd, called by its file's name, then the disks that 32 bits reach. */
#define MULTIBOOT_MODULES_MAX (1 + DISKS_MAX)
#define MULTIBOOT_TEXT_MAX    (FILE_NAME_MAX + 8) /* "disk root.img ro" */
struct multiboot_part {
    uint32_t start, end;
    char text[MULTIBOOT_TEXT_MAX];
};

/* What the kernel is told, in either version. */
struct multiboot_facts {
    const struct image_request *rq;
    uint32_t mem_lower, mem_upper; /* KiB */
    uint32_t module_count;
    struct multiboot_part modules[MULTIBOOT_MODULES_MAX];
    uint32_t map_count;
    struct image_map_row map[IMAGE_MAP_MAX];
};

/* The header is known to lie in the file up to its checksum; reads the rest, or refuses. */
MUST_CHECK bool image_multiboot_v1_read(struct image *image, const struct image_request *rq,
                                        struct multiboot_wish *wish);
MUST_CHECK bool image_multiboot_v2_read(struct image *image, const struct image_request *rq,
                                        struct multiboot_wish *wish);

/* Fill image->boot_data.multiboot, a page at `base`. */
void image_multiboot_v1_fill(struct image *image, const struct multiboot_facts *facts,
                             uint64_t base);
void image_multiboot_v2_fill(struct image *image, const struct multiboot_facts *facts);

/* For disks there is no type. */
static inline uint32_t image_multiboot_type(const struct image_map_row *row)
{
    return row->what == IMAGE_RAM ? MULTIBOOT_RAM : MULTIBOOT_RESERVED;
}
