/* SPDX-License-Identifier: MIT */
/*
 * image_parts: what the formats share. Only kernel/image/image_*.c include it.
 */
#pragma once

#include "kernel/image/image.h"
#include "lib/elf.h"

/* The formats. Each fills `image`, which is zero before except for its ACPI tables, or refuses. */
MUST_CHECK bool image_prepare_multiboot(struct image *image, const struct image_request *rq);
MUST_CHECK bool image_prepare_pvh(struct image *image, const struct image_request *rq);
MUST_CHECK bool image_prepare_flat(struct image *image, const struct image_request *rq);
MUST_CHECK bool image_prepare_linux(struct image *image, const struct image_request *rq);

/* An EFI program with a section .linux: a Linux, mostly with its initrd and command line. */
MUST_CHECK bool image_prepare_uki(struct image *image, const struct image_request *rq);
bool image_is_uki(const struct image_request *rq);

/* The file starts like one that image_prepare_linux() is to judge. */
bool image_is_linux(const struct image_request *rq);

/* What a file is that is none of the formats: a sentence part that begins with "is". */
const char *image_kind(const struct image_request *rq);

/* Nothing speaks against a file that image_is_flat() accepts by its name. */
bool image_may_be_flat(const struct image_request *rq);

/* Called as a flat binary is, and not empty. */
bool image_is_flat(const struct image_request *rq);

/* An ELF file that has a PVH entry. */
bool image_has_pvh(const struct elf *elf);

/* Has a multiboot header, of either version, where one may be. */
bool image_is_multiboot(const struct image_request *rq);

/* Sets image->why; always false. */
PRINTF_LIKE(2, 3) bool image_refuse(struct image *image, const char *fmt, ...);

bool image_starts_with(const struct image_request *rq, uint64_t at, const char *bytes,
                       uint64_t len);

/*
 * The guest's command line; a Linux's with the TSC rate, the machine's options and an early console
 * in front, each if that still makes at most `max` characters, `max` < CMDLINE_MAX. In front,
 * because what comes later wins, and what comes behind "--" is not the kernel's.
 */
void image_fill_cmdline(char out[CMDLINE_MAX], const struct image *image,
                        const struct image_request *rq, uint64_t max);

/* Without effect when there is nothing to place. */
void image_add_piece(struct image *image, uint64_t to, const void *source, uint64_t size);

/* The last byte of a range that is not empty, for people: "0x100000-0x1fffff". */
uint64_t image_last(struct range r);

struct range image_hole(void);

/*
 * Highest place for the initrd in low RAM from 1 MiB to `top` (exclusive) that touches none of
 * `taken`; adds its piece. *at is 0 without an initrd.
 */
MUST_CHECK bool image_place_initrd(struct image *image, const struct image_request *rq,
                                   const struct range *taken, uint32_t count, uint64_t top,
                                   uint64_t *at);

/* What the image occupies in guest memory. */
struct image_taken {
    uint32_t count;
    struct range ranges[ELF_SEGMENTS_MAX]; /* none empty */
};

/* `r`, which may be empty, is to be the image's; refuses what is not all RAM outside of the hole.
 */
MUST_CHECK bool image_take(struct image *image, struct image_taken *taken, struct range r,
                           const struct guest_map *map);

/* The segments of a file that elf_check() accepted, as pieces and in `taken`. */
MUST_CHECK bool image_load_elf(struct image *image, const struct elf *elf,
                               const struct image_request *rq, struct image_taken *taken);

/* The first page from IMAGE_BOOT_DATA up that holds nothing of the image. */
MUST_CHECK bool image_place_boot_data(struct image *image, const struct image_taken *taken,
                                      uint64_t *at);

/* All of `r`, which is not empty, is RAM of the guest. */
bool image_has_ram(const struct guest_map *map, struct range r);

/* The memory map as guests are told it, sorted. */
#define IMAGE_MAP_MAX (GUEST_REGIONS_MAX + 2)
enum image_memory { IMAGE_RAM, IMAGE_RESERVED, IMAGE_DISK };
struct image_map_row {
    struct range range;
    enum image_memory what;
};

/* Returns how many rows it filled. */
uint32_t image_memory_map(const struct guest_map *map, struct image_map_row rows[IMAGE_MAP_MAX]);
