/* SPDX-License-Identifier: MIT */
/*
 * image_prepare: picks the format by the file's magic and adds what every guest gets. Pure: reads
 * the file, writes only *image.
 */
#include "kernel/image/image_parts.h"
#include "kernel/image/multiboot.h"
#include "lib/elf.h"
#include "lib/string.h"

_Static_assert(IMAGE_PIECES_MAX == ELF_SEGMENTS_MAX + 4, "see there");
_Static_assert(LINUX_CMDLINE_MAX == CMDLINE_MAX, "every command line fits");

/* Into the legacy hole, where no image may put anything. */
static void image_add_platform(struct image *image)
{
    image_add_piece(image, ACPI_TABLES_AT, image->acpi.bytes, image->acpi.size);
    image_add_piece(image, RESET_CODE_AT, image_reset_code, image_reset_code_size);
}

/* An ELF file with both entries is started by PVH's. */
static bool image_wants_multiboot(const struct image_request *rq)
{
    struct elf elf;

    if (!image_is_multiboot(rq))
        return false;
    return !elf_is(rq->bytes, rq->size) || !elf_check(&elf, rq->bytes, rq->size, ELF_FOR_GUEST) ||
           !image_has_pvh(&elf);
}

static bool image_prepare_by_kind(struct image *image, const struct image_request *rq)
{
    if (image_is_linux(rq))
        return image_prepare_linux(image, rq);
    image->is_uki = image_is_uki(rq);
    if (image->is_uki)
        return image_prepare_uki(image, rq);
    if (image_wants_multiboot(rq))
        return image_prepare_multiboot(image, rq);
    if (elf_is(rq->bytes, rq->size))
        return image_prepare_pvh(image, rq);
    if (image_is_flat(rq) && image_may_be_flat(rq))
        return image_prepare_flat(image, rq);
    return image_refuse(image, "%s", image_kind(rq));
}

const char *image_format(const struct image *image)
{
    switch (image->mode) {
    case IMAGE_ENTER_PVH32:
        return image->is_linux ? "Linux by PVH" : "PVH";
    case IMAGE_ENTER_MULTIBOOT32:
        return image->magic == MULTIBOOT2_START_MAGIC ? "multiboot 2" : "multiboot 1";
    case IMAGE_ENTER_REAL16:
        return "flat binary";
    case IMAGE_ENTER_LINUX64:
        break;
    }
    return image->is_uki ? "unified kernel image" : "Linux bzImage";
}

bool image_prepare(struct image *image, const struct image_request *rq)
{
    memset(image, 0, sizeof(*image));
    if (guest_map_ram(rq->map).size < GUEST_MEMORY_MIN)
        return image_refuse(image, "needs at least 1 MiB of memory");
    image_acpi_build(&image->acpi, rq->apic_ids, rq->core_count);
    if (!image_prepare_by_kind(image, rq))
        return false;
    image_add_platform(image);
    return true;
}
