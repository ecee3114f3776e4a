/* SPDX-License-Identifier: MIT */
/*
 * image: an untrusted guest image → the pieces to copy into guest memory and the state to enter it
 * in. Decides, but copies nothing: kernel/vm/memory.c copies the pieces. Pure; also in plancheck.
 * The formats, each in its own file:
 *
 * image_pvh.c: an x86 ELF, 64-bit or 32-bit, with the note XEN_ELFNOTE_PHYS32_ENTRY, started in
 * 32-bit protected mode, paging off, EBX = guest-physical address of struct pvh_start_info
 * (kernel/image/pvh.h).
 *
 * image_multiboot.c: a multiboot kernel, version 1 or 2, mostly an ELF: the same, with the magic
 * number in EAX and EBX = address of its boot information (kernel/image/multiboot.h).
 *
 * image_flat.c: any other file called *.bin: loaded at 0x7c00 and started there in real mode.
 *
 * image_linux.c: a Linux bzImage, started by the 64-bit boot protocol: long mode, RSI =
 * guest-physical address of its boot_params (kernel/image/linux_boot.h).
 *
 * image_uki.c: a unified kernel image: a bzImage, an initrd and a command line in one EFI program.
 *
 * A guest's RAM (mm/guest_map.h) as described to the guest and as images are checked against it:
 *   0          .. 0xa0000      the boot data is here
 *   0xa0000    .. 0x100000     reserved, as on every PC; the platform's ACPI tables are at
 *                              0xe0000 and its reset code at 0xffff0 (kernel/image/image_acpi.h)
 *   0x100000   ..              the initrd is at the top, but below 3 GiB
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/image/image_acpi.h"
#include "kernel/image/linux_boot.h"
#include "lib/types.h"
#include "mm/guest_map.h"

/* The legacy hole: reserved in the memory map, though backed by memory. */
#define GUEST_HOLE_BASE UINT64_C(0xa0000)
#define GUEST_HOLE_END  UINT64_C(0x100000)

/* PVH and multiboot: the boot data is in the first page from here up that holds nothing of the
 * image. */
#define IMAGE_BOOT_DATA UINT64_C(0x9000)

#define IMAGE_PIECES_MAX 20 /* ELF_SEGMENTS_MAX, boot data, initrd, ACPI tables, reset code */
#define IMAGE_WHY_MAX    160

/* Bytes to place. Guest memory is zero before: what only has to be zero has no piece. */
struct image_piece {
    gpa_t to;
    const uint8_t *source;
    uint64_t size; /* bytes, > 0 */
};

/* A flat binary: where a BIOS loads a boot sector, and where its interrupts end, F000:FF80. */
#define FLAT_LOAD_AT UINT64_C(0x7c00)
#define FLAT_STOP_AT UINT64_C(0xfff80)
#define FLAT_VECTORS 256
struct flat_vector {
    uint16_t offset;
    uint16_t segment;
};

/* What is at FLAT_STOP_AT. */
extern const uint8_t image_flat_stop[];
extern const uint32_t image_flat_stop_size;

enum image_entry_mode {
    IMAGE_ENTER_PVH32,       /* 32-bit protected mode, paging off, start info in EBX */
    IMAGE_ENTER_MULTIBOOT32, /* the same, boot information in EBX, magic in EAX */
    IMAGE_ENTER_REAL16,      /* real mode, all segments 0 */
    IMAGE_ENTER_LINUX64,     /* long mode on page tables of ours, boot_params in RSI */
};

/* Large: static, never on a hypervisor stack. */
struct image {
    enum image_entry_mode mode;
    bool is_linux;    /* in either format */
    bool is_uki;      /* and from a unified kernel image */
    bool has_console; /* its own command line, which counts, says console=ttyS0 */
    bool has_pit;     /* expects a PC's timer to calibrate with: vdev/vpit.h */
    uint32_t magic;   /* MULTIBOOT32: for EAX */
    gpa_t entry;      /* below 4 GiB */
    gpa_t start_info; /* PVH32: pvh_start_info; LINUX64: boot_params; MULTIBOOT32 */
    gpa_t tables;     /* LINUX64: the top page table */
    gpa_t gdt;        /* LINUX64: struct linux_boot_data's gdt */
    uint32_t piece_count;
    struct image_piece pieces[IMAGE_PIECES_MAX]; /* disjoint, all inside guest memory */
    /* What Bulkhead makes for the guest; whatever is used is among the pieces. */
    union {
        ALIGNED(8) uint8_t pvh[PAGE_SIZE]; /* start info, memory map, module list, command line */
        ALIGNED(8) uint8_t multiboot[PAGE_SIZE];  /* boot information and what it points to */
        struct flat_vector vectors[FLAT_VECTORS]; /* a flat binary's */
        struct linux_boot_data linux_boot;
    } boot_data;
    struct image_acpi acpi;
    char why[IMAGE_WHY_MAX]; /* when refused: the end of the sentence "image 'x.elf' ..." */
};

/* What the image is checked against and told about. */
struct image_request {
    const char *name; /* the file's, or NULL: a flat binary is known by it alone */
    const uint8_t *bytes;
    uint64_t size;
    const uint8_t *initrd;       /* NULL: none */
    uint64_t initrd_size;        /* bytes, > 0 with an initrd */
    const char *initrd_name;     /* the file's, for who lists it by name; or NULL */
    const char *cmdline;         /* shorter than CMDLINE_MAX */
    uint64_t linux_tsc_khz;      /* put before a Linux's command line; 0: not */
    const char *linux_options;   /* the same, as it stands; NULL: nothing */
    const struct guest_map *map; /* where there is RAM, which config allows */
    uint32_t core_count;         /* 0..GUEST_CORES_MAX; 0 where nothing is going to be started */
    uint32_t apic_ids[GUEST_CORES_MAX]; /* [core_count], the boot core's first */
};

/* What a prepared image is started as, for people: "PVH". */
const char *image_format(const struct image *image);

/* Fills `image`; false with image->why set when the file cannot be started. `image` must not move
 * afterwards: pieces point into its boot data. */
MUST_CHECK bool image_prepare(struct image *image, const struct image_request *request);
