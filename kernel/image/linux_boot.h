/* SPDX-License-Identifier: MIT */
/*
 * linux_boot: the structures of "The Linux/x86 Boot Protocol" and "Zero Page" (Linux's
 * Documentation/arch/x86/boot.rst and zero-page.rst) as far as they are used here, and the memory
 * that a kernel entered by the 64-bit protocol finds next to itself. Little-endian, all addresses
 * guest-physical.
 */
#pragma once

#include "lib/types.h"

#define LINUX_CMDLINE_MAX 1024 /* with the NUL */

/* The part of a bzImage, and of boot_params, from 0x1f1 on. */
#define LINUX_HEADER_AT  0x1f1
#define LINUX_HEADER_END 0x290 /* what follows it in boot_params */

#define LINUX_BOOT_FLAG     0xaa55
#define LINUX_MAGIC         0x53726448 /* "HdrS" */
#define LINUX_VERSION_MIN   0x020c     /* the first with xloadflags, of 2012 */
#define LINUX_LOADED_HIGH   0x01       /* loadflags: belongs at or above 1 MiB */
#define LINUX_XLF_KERNEL_64 0x0001     /* xloadflags: has the 64-bit entry point */
#define LINUX_ENTRY_64      0x200      /* of the 64-bit entry in the loaded kernel */
#define LINUX_LOADER_OTHER  0xff       /* type_of_loader of one without a number */
#define LINUX_SECTOR        512
#define LINUX_SECTS_DEFAULT 4 /* what setup_sects = 0 means */

struct PACKED linux_header {
    uint8_t setup_sects; /* 0x1f1 */
    uint16_t root_flags;
    uint32_t syssize; /* of the protected-mode code, in units of 16 bytes */
    uint16_t ram_size;
    uint16_t vid_mode;
    uint16_t root_dev;
    uint16_t boot_flag;
    uint8_t jump_code;
    uint8_t jump_offset; /* from 0x202: where the header ends */
    uint32_t magic;
    uint16_t version;
    uint32_t realmode_swtch;
    uint16_t start_sys_seg;
    uint16_t kernel_version;
    uint8_t type_of_loader;
    uint8_t loadflags;
    uint16_t setup_move_size;
    uint32_t code32_start;
    uint32_t ramdisk_image;
    uint32_t ramdisk_size;
    uint32_t bootsect_kludge;
    uint16_t heap_end_ptr;
    uint8_t ext_loader_ver;
    uint8_t ext_loader_type;
    uint32_t cmd_line_ptr;
    uint32_t initrd_addr_max; /* the initrd's last byte at most */
    uint32_t kernel_alignment;
    uint8_t relocatable_kernel;
    uint8_t min_alignment;
    uint16_t xloadflags;
    uint32_t cmdline_size; /* at most, without the NUL */
    uint32_t hardware_subarch;
    uint64_t hardware_subarch_data;
    uint32_t payload_offset;
    uint32_t payload_length;
    uint64_t setup_data;
    uint64_t pref_address;
    uint32_t init_size; /* memory the kernel needs from its load address on */
    uint32_t handover_offset;
    uint32_t kernel_info_offset;
};
_Static_assert(offsetof(struct linux_header, magic) == 0x202 - LINUX_HEADER_AT, "boot protocol");
_Static_assert(offsetof(struct linux_header, initrd_addr_max) == 0x22c - LINUX_HEADER_AT, "same");
_Static_assert(offsetof(struct linux_header, init_size) == 0x260 - LINUX_HEADER_AT, "same");
_Static_assert(sizeof(struct linux_header) == 0x26c - LINUX_HEADER_AT, "boot protocol 2.15");

#define LINUX_E820_MAX      128
#define LINUX_E820_RAM      1
#define LINUX_E820_RESERVED 2
#define LINUX_E820_PRAM     12 /* uapi/asm/e820.h: persistent memory that no ACPI table describes */

struct PACKED linux_e820 {
    uint64_t base;
    uint64_t size; /* bytes */
    uint32_t type;
};

/* What is zero says: no screen, no EFI, no disks known to a BIOS. */
struct PACKED linux_boot_params {
    uint8_t unused0[0x70];
    uint64_t acpi_rsdp_addr;
    uint8_t unused1[0x1e8 - 0x78];
    uint8_t e820_count;
    uint8_t unused2[LINUX_HEADER_AT - 0x1e9];
    struct linux_header header;
    uint8_t unused3[0x2d0 - 0x26c];
    struct linux_e820 e820[LINUX_E820_MAX];
    uint8_t unused4[4096 - 0x2d0 - LINUX_E820_MAX * 20];
};
_Static_assert(sizeof(struct linux_e820) == 20, "zero page");
_Static_assert(offsetof(struct linux_boot_params, e820_count) == 0x1e8, "zero page");
_Static_assert(offsetof(struct linux_boot_params, header) == LINUX_HEADER_AT, "zero page");
_Static_assert(offsetof(struct linux_boot_params, e820) == 0x2d0, "zero page");
_Static_assert(sizeof(struct linux_boot_params) == 4096, "zero page");

/*
 * The first GiB mapped one to one by 2 MiB pages: one page each of the top three levels. The
 * protocol wants the kernel's init_size, boot_params and the command line mapped.
 */
#define LINUX_MAPPED (1 * GIB)
enum { LINUX_PML4, LINUX_PDPT, LINUX_PD, LINUX_TABLES };

/* Selectors that the protocol prescribes: 0x10 code, 0x18 data. */
enum { LINUX_GDT_CODE = 2, LINUX_GDT_DATA = 3, LINUX_GDT_COUNT = 4 };

/* Beside the kernel, from LINUX_BOOT_DATA on; free for it once it runs on its own tables. */
#define LINUX_BOOT_DATA UINT64_C(0x10000)
struct linux_boot_data {
    ALIGNED(8) uint64_t tables[LINUX_TABLES][512];
    struct linux_boot_params params;
    char cmdline[LINUX_CMDLINE_MAX];
    uint64_t gdt[LINUX_GDT_COUNT];
};
_Static_assert(offsetof(struct linux_boot_data, params) == LINUX_TABLES * 4096, "whole pages");
