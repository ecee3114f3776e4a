/* SPDX-License-Identifier: MIT */
/*
 * boot_info: the contract between the loader and the hypervisor; the one header both share.
 * Fixed-width fields, every address physical, offsets asserted. The loader fills it in pages of
 * kind BOOT_RAM_LOADER; the hypervisor checks it, copies what it needs and trusts nothing twice.
 *
 * Entry: 64-bit mode with four-level paging, interrupts off, the firmware's identity map still
 * active, RDI = physical address of struct boot_info, boot services already left.
 */
#pragma once

#include "lib/types.h"

#define BOOT_INFO_MAGIC UINT64_C(0x444145484b4c5542) /* "BULKHEAD", little-endian */

/* Counts up with the layout, and with the ways in which bulkhead.conf can name a file: the loader
 * reads those that it knows of. */
#define BOOT_INFO_VERSION 7

/* From this version on `set` stays where it is: a hypervisor that the loader does not fit still
 * knows whether it is only tried. */
#define BOOT_INFO_HAS_SET 7

enum boot_ram_kind {
    BOOT_RAM_FREE = 1,     /* ours to use after the jump */
    BOOT_RAM_LOADER = 2,   /* bulkhead.elf as placed, boot_info, modules: in use, but RAM */
    BOOT_RAM_ACPI = 3,     /* ACPI tables: readable, never reused */
    BOOT_RAM_FIRMWARE = 4, /* runtime services, NVS, reserved, persistent: hands off */
    BOOT_RAM_MMIO = 5,     /* device memory that the firmware lists */
    BOOT_RAM_BAD = 6,      /* reported broken */
};

/* Sorted by base, page-aligned, not overlapping, neighbours of one kind merged. */
struct boot_range {
    uint64_t base; /* bytes */
    uint64_t size; /* bytes, > 0 */
    uint32_t kind; /* enum boot_ram_kind */
    uint32_t reserved;
};
_Static_assert(sizeof(struct boot_range) == 24, "boot_info v2");

#define BOOT_NAME_MAX   64
#define BOOT_VENDOR_MAX 40

/*
 * One file of \bulkhead\. What the configuration names is read whole; `base` and `room` are whole
 * pages, those of a disk on 2 MiB so that they can be a guest's; behind the file they are zero. Of
 * other files there is only the name.
 */
struct boot_module {
    uint64_t base;
    uint64_t size;            /* bytes; 0 for an empty file, and for one that was not read */
    uint64_t room;            /* bytes that the file has to itself; 0 where size is */
    char name[BOOT_NAME_MAX]; /* as on disk, ASCII, NUL-terminated */
};
_Static_assert(sizeof(struct boot_module) == 88, "boot_info v4");

enum boot_pixel_format {
    BOOT_PIXEL_NONE = 0, /* no framebuffer */
    BOOT_PIXEL_RGBX = 1, /* byte 0 is red */
    BOOT_PIXEL_BGRX = 2, /* byte 0 is blue */
};

struct boot_framebuffer {
    uint64_t base;
    uint64_t size;   /* bytes */
    uint32_t width;  /* pixels */
    uint32_t height; /* pixels */
    uint32_t pitch;  /* pixels from one line to the next, >= width */
    uint32_t format; /* enum boot_pixel_format; 32 bits per pixel always */
};
_Static_assert(sizeof(struct boot_framebuffer) == 32, "boot_info v2");

/* What SetVariable uses at run time, as the firmware says: none is trusted
 * (kernel/start/runtime_map.c). */
enum boot_runtime_rights {
    BOOT_RUNTIME_WRITE = 1,
    BOOT_RUNTIME_EXECUTE = 2,
    BOOT_RUNTIME_UNCACHED = 4,
};

struct boot_runtime {
    uint64_t base;   /* bytes */
    uint64_t pages;  /* of 4 KiB */
    uint32_t rights; /* enum boot_runtime_rights */
    uint32_t reserved;
};
_Static_assert(sizeof(struct boot_runtime) == 24, "boot_info v7");

/* Which set of files this is. */
enum boot_set {
    BOOT_SET_PLAIN = 0,     /* \bulkhead\ */
    BOOT_SET_TRIED = 1,     /* \bulkhead\next\, which is not taken again unless it is confirmed */
    BOOT_SET_CONFIRMED = 2, /* \bulkhead\next\, which was */
};

#define BOOT_NOTE_MAX 240

/* Time stamps (TSC) the loader takes on its way. */
enum boot_stamp {
    BOOT_STAMP_ENTRY,    /* efi_main */
    BOOT_STAMP_FILES,    /* all files read */
    BOOT_STAMP_EXIT,     /* boot services left */
    BOOT_STAMP_COUNT = 8 /* the rest is zero */
};

struct boot_info {
    uint64_t magic;
    uint32_t version;
    uint32_t size;       /* of this structure, bytes */
    uint64_t image_base; /* where bulkhead.elf was placed, 2 MiB-aligned */
    uint64_t image_size; /* bytes, whole pages */
    uint64_t rsdp;       /* 0 when the firmware has none */
    uint64_t low_page;   /* one free page below 1 MiB for starting cores; 0 when none was free */
    uint64_t ranges;     /* struct boot_range[range_count] */
    uint32_t range_count;
    uint32_t module_count;
    uint64_t modules; /* struct boot_module[module_count] */
    struct boot_framebuffer framebuffer;
    uint64_t stamps[BOOT_STAMP_COUNT];
    uint64_t lastlog;      /* RAM at the same place in each boot, not erased; 0: none */
    uint64_t lastlog_size; /* bytes, whole pages */
    uint64_t seconds; /* since 1970-01-01 UTC, at BOOT_STAMP_ENTRY; 0: the firmware does not know */
    uint32_t firmware_revision; /* as its vendor counts */
    uint32_t uefi_revision;     /* of the specification: major << 16 | minor, 2.7 is 2 << 16 | 70 */
    char firmware_vendor[BOOT_VENDOR_MAX]; /* printable ASCII, NUL-terminated */
    char config_name[BOOT_NAME_MAX]; /* the file whose text module bulkhead.conf has, likewise */
    uint32_t set;                    /* enum boot_set */
    uint32_t runtime_count;          /* BOOT_SET_TRIED only, as the next two; 0: not known */
    uint64_t runtime;                /* struct boot_runtime[runtime_count] */
    uint64_t set_variable;           /* of the firmware's runtime services */
    uint64_t set_id;                 /* kernel/config/next.h; 0: BOOT_SET_PLAIN */
    char set_note[BOOT_NOTE_MAX];    /* why \bulkhead\next\ was not taken, likewise; or empty */
};
_Static_assert(offsetof(struct boot_info, image_base) == 16, "boot_info v2");
_Static_assert(offsetof(struct boot_info, ranges) == 48, "boot_info v2");
_Static_assert(offsetof(struct boot_info, modules) == 64, "boot_info v2");
_Static_assert(offsetof(struct boot_info, framebuffer) == 72, "boot_info v2");
_Static_assert(offsetof(struct boot_info, stamps) == 104, "boot_info v2");
_Static_assert(offsetof(struct boot_info, lastlog) == 168, "boot_info v2");
_Static_assert(offsetof(struct boot_info, seconds) == 184, "boot_info v2");
_Static_assert(offsetof(struct boot_info, firmware_vendor) == 200, "boot_info v5");
_Static_assert(offsetof(struct boot_info, set) == 304, "boot_info v7");
_Static_assert(sizeof(struct boot_info) == 576, "boot_info v7");
