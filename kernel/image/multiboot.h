/* SPDX-License-Identifier: MIT */
/*
 * multiboot: the structures of the "Multiboot Specification version 0.6.96" and of the "Multiboot2
 * Specification version 2.0", as far as they are used here. Little-endian, all addresses
 * guest-physical.
 */
#pragma once

#include "lib/types.h"

#define MULTIBOOT_HEADER_MAGIC  0x1badb002
#define MULTIBOOT_START_MAGIC   0x2badb002 /* in EAX */
#define MULTIBOOT_SEARCH        (8 * KIB)  /* the header is in the first ... */
#define MULTIBOOT_ALIGN         4
#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6
#define MULTIBOOT2_START_MAGIC  0x36d76289
#define MULTIBOOT2_SEARCH       (32 * KIB)
#define MULTIBOOT2_ALIGN        8

/* ------------------------------------------------------------------ version 1 */

/* "The layout of Multiboot header": magic, flags and checksum have the sum 0. */
struct multiboot_header {
    uint32_t magic;
    uint32_t flags; /* MULTIBOOT_WANTS_... */
    uint32_t checksum;
    uint32_t header_addr; /* from here on with MULTIBOOT_HAS_ADDRESSES */
    uint32_t load_addr;
    uint32_t load_end_addr; /* 0: all of the file */
    uint32_t bss_end_addr;  /* 0: none */
    uint32_t entry_addr;
};
#define MULTIBOOT_HEADER_SHORT offsetof(struct multiboot_header, header_addr)

#define MULTIBOOT_WANTS_PAGES   0x00000001u /* modules on page boundaries */
#define MULTIBOOT_WANTS_MEMORY  0x00000002u /* mem_lower, mem_upper */
#define MULTIBOOT_WANTS_VIDEO   0x00000004u
#define MULTIBOOT_REQUIRED      0x0000ffffu /* who does not know one of these must refuse */
#define MULTIBOOT_HAS_ADDRESSES 0x00010000u

#define MULTIBOOT_INFO_MEMORY  0x001u
#define MULTIBOOT_INFO_CMDLINE 0x004u
#define MULTIBOOT_INFO_MODULES 0x008u
#define MULTIBOOT_INFO_MAP     0x040u
#define MULTIBOOT_INFO_LOADER  0x200u

/* "Boot information format" */
struct multiboot_info {
    uint32_t flags;     /* MULTIBOOT_INFO_...: what is there */
    uint32_t mem_lower; /* KiB from 0 */
    uint32_t mem_upper; /* KiB from 1 MiB, up to the first hole */
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count;
    uint32_t mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length; /* bytes */
    uint32_t mmap_addr;
    uint32_t drives_length;
    uint32_t drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t unused[12]; /* APM table, VBE and framebuffer */
    uint32_t reserved;
};
_Static_assert(offsetof(struct multiboot_info, mmap_length) == 44, "Boot information format");
_Static_assert(offsetof(struct multiboot_info, boot_loader_name) == 64, "Boot information format");
_Static_assert(sizeof(struct multiboot_info) == 120, "at least the 116 bytes of the format");

struct multiboot_module {
    uint32_t start;
    uint32_t end; /* exclusive */
    uint32_t string;
    uint32_t reserved;
};
_Static_assert(sizeof(struct multiboot_module) == 16, "Boot information format");

#define MULTIBOOT_RAM      1
#define MULTIBOOT_RESERVED 2

struct PACKED multiboot_memory {
    uint32_t size; /* of what follows */
    uint64_t base;
    uint64_t length;
    uint32_t type;
};
_Static_assert(sizeof(struct multiboot_memory) == 24, "Boot information format");

/* ------------------------------------------------------------------ version 2 */

/* "The layout of Multiboot2 header": the four words have the sum 0; tags follow. */
struct multiboot2_header {
    uint32_t magic;
    uint32_t architecture; /* 0: i386 */
    uint32_t length;       /* with the tags */
    uint32_t checksum;
};

/* In the header; each begins on 8 bytes. */
struct multiboot2_header_tag {
    uint16_t type; /* MULTIBOOT2_HEADER_... */
    uint16_t flags;
    uint32_t size; /* with this */
};
#define MULTIBOOT2_OPTIONAL 1u

enum multiboot2_header_type {
    MULTIBOOT2_HEADER_END = 0,
    MULTIBOOT2_HEADER_INFO_REQUEST = 1,
    MULTIBOOT2_HEADER_ADDRESS = 2,
    MULTIBOOT2_HEADER_ENTRY = 3,
    MULTIBOOT2_HEADER_CONSOLE = 4,
    MULTIBOOT2_HEADER_FRAMEBUFFER = 5,
    MULTIBOOT2_HEADER_MODULE_ALIGN = 6,
    MULTIBOOT2_HEADER_EFI_SERVICES = 7,
    MULTIBOOT2_HEADER_EFI32_ENTRY = 8,
    MULTIBOOT2_HEADER_EFI64_ENTRY = 9,
    MULTIBOOT2_HEADER_RELOCATABLE = 10,
};

struct multiboot2_address_tag {
    struct multiboot2_header_tag tag;
    uint32_t header_addr;
    uint32_t load_addr;
    uint32_t load_end_addr; /* 0: all of the file */
    uint32_t bss_end_addr;  /* 0: none */
};

struct multiboot2_entry_tag {
    struct multiboot2_header_tag tag;
    uint32_t entry_addr;
};

/* What the kernel is told: two words, then tags, each on 8 bytes. */
struct multiboot2_info {
    uint32_t total_size;
    uint32_t reserved;
};

struct multiboot2_tag {
    uint32_t type;
    uint32_t size; /* with this, without what pads it */
};

enum multiboot2_type {
    MULTIBOOT2_END = 0,
    MULTIBOOT2_CMDLINE = 1,
    MULTIBOOT2_LOADER = 2,
    MULTIBOOT2_MODULE = 3,
    MULTIBOOT2_MEMORY = 4,
    MULTIBOOT2_MAP = 6,
    MULTIBOOT2_ACPI_OLD = 14, /* the RSDP as of ACPI 1.0 */
    MULTIBOOT2_ACPI_NEW = 15,
};

struct multiboot2_module {
    struct multiboot2_tag tag;
    uint32_t start;
    uint32_t end; /* exclusive; the string follows */
};

struct multiboot2_memory {
    struct multiboot2_tag tag;
    uint32_t lower; /* as in version 1 */
    uint32_t upper;
};

struct multiboot2_map {
    struct multiboot2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct multiboot2_map_entry {
    uint64_t base;
    uint64_t length;
    uint32_t type; /* as in version 1 */
    uint32_t reserved;
};
_Static_assert(sizeof(struct multiboot2_map_entry) == 24, "Memory map");
