/* SPDX-License-Identifier: MIT */
/*
 * image_prepare: picks the format by the file's magic and adds what every guest gets. Pure: reads
 * the file, writes only *image.
 */
#include "kernel/image/image_parts.h"
#include "lib/elf.h"
#include "lib/string.h"

_Static_assert(IMAGE_PIECES_MAX == ELF_SEGMENTS_MAX + 4, "see there");
_Static_assert(LINUX_CMDLINE_MAX == CMDLINE_MAX, "every command line fits");

/* Into the legacy hole, where no image may put anything. */
static void image_add_platform(struct image *image, const struct image_request *rq)
{
    image_acpi_build(&image->acpi, rq->apic_ids, rq->core_count);
    image_add_piece(image, ACPI_TABLES_AT, image->acpi.bytes, image->acpi.size);
    image_add_piece(image, RESET_CODE_AT, image_reset_code, image_reset_code_size);
}

bool image_prepare(struct image *image, const struct image_request *rq)
{
    memset(image, 0, sizeof(*image));
    if (rq->memory < GUEST_MEMORY_MIN)
        return image_refuse(image, "needs at least 1 MiB of memory");
    if (image_is_linux(rq)) {
        if (!image_prepare_linux(image, rq))
            return false;
    } else if (elf_is(rq->bytes, rq->size)) {
        if (!image_prepare_pvh(image, rq))
            return false;
    } else {
        return image_refuse(image, "%s", image_kind(rq));
    }
    image_add_platform(image, rq);
    return true;
}
