/* SPDX-License-Identifier: MIT */
/*
 * image: picks the format by the file's magic, adds what every guest gets, and holds what the
 * formats share (kernel/image_parts.h). Pure: reads the file, writes only *image.
 */
#include "kernel/image.h"

#include <stdarg.h>

#include "kernel/image_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/elf.h"
#include "lib/fmt.h"
#include "lib/string.h"

_Static_assert(IMAGE_PIECES_MAX == ELF_SEGMENTS_MAX + 4, "see there");
_Static_assert(LINUX_CMDLINE_MAX == CMDLINE_MAX, "every command line fits");

bool image_refuse(struct image *image, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fmt_vprint(image->why, sizeof(image->why), fmt, args);
    va_end(args);
    return false;
}

void image_ram(uint64_t memory, struct range ram[2])
{
    uint64_t low = min_u64(memory, GUEST_LOW_MAX);

    ram[0] = (struct range){.base = 0, .size = low};
    ram[1] = (struct range){.base = GUEST_HIGH_BASE, .size = memory - low};
}

struct range image_hole(void)
{
    return (struct range){.base = GUEST_HOLE_BASE, .size = GUEST_HOLE_END - GUEST_HOLE_BASE};
}

uint64_t image_last(struct range r)
{
    return r.base + (r.size - 1);
}

uint32_t image_memory_map(uint64_t memory, struct image_map_row rows[IMAGE_MAP_MAX])
{
    struct range ram[2];
    uint32_t count = 0;

    image_ram(memory, ram);
    rows[count++] = (struct image_map_row){{.size = GUEST_HOLE_BASE}, true};
    rows[count++] = (struct image_map_row){image_hole(), false};
    if (ram[0].size > GUEST_HOLE_END)
        rows[count++] =
            (struct image_map_row){{GUEST_HOLE_END, ram[0].size - GUEST_HOLE_END}, true};
    if (ram[1].size > 0)
        rows[count++] = (struct image_map_row){ram[1], true};
    return count;
}

void image_add_piece(struct image *image, uint64_t to, const void *source, uint64_t size)
{
    if (size == 0)
        return;
    ASSERT(image->piece_count < IMAGE_PIECES_MAX);
    image->pieces[image->piece_count++] =
        (struct image_piece){.to = gpa(to), .source = source, .size = size};
}

/*
 * From the top down: what is in the way sends the initrd below itself, so each is met at most
 * once.
 */
bool image_place_initrd(struct image *image, const struct image_request *rq,
                        const struct range *taken, uint32_t count, uint64_t top, uint64_t *at)
{
    top = min_u64(top, min_u64(rq->memory, GUEST_LOW_MAX));
    *at = 0;
    if (rq->initrd == NULL)
        return true;
    for (uint32_t tries = 0; tries <= count; tries++) {
        if (top < GUEST_HOLE_END || rq->initrd_size > top - GUEST_HOLE_END)
            break;
        struct range place = {.size = rq->initrd_size};
        place.base = align_down(top - rq->initrd_size, PAGE_SIZE);
        uint32_t i = 0;
        while (i < count && !range_overlaps(taken[i], place))
            i++;
        if (i == count) {
            *at = place.base;
            image_add_piece(image, place.base, rq->initrd, rq->initrd_size);
            return true;
        }
        top = taken[i].base;
    }
    return image_refuse(image, "and its initrd of %lu KiB do not fit in %lu KiB of memory",
                        rq->initrd_size / KIB + (rq->initrd_size % KIB != 0), rq->memory / KIB);
}

bool image_starts_with(const struct image_request *rq, uint64_t at, const char *bytes, uint64_t len)
{
    return rq->size >= at + len && memcmp(rq->bytes + at, bytes, len) == 0;
}

/* Kinds of file that people take for a kernel that Bulkhead starts, told apart by their magic. */
static const char *image_known_kind(const struct image_request *rq)
{
    if (rq->size == 0)
        return "is empty";
    if (image_starts_with(rq, 0, "\x1f\x8b", 2) ||
        image_starts_with(rq, 0,
                          "\xfd"
                          "7zXZ",
                          5) ||
        image_starts_with(rq, 0, "\x28\xb5\x2f\xfd", 4))
        return "is compressed; unpack it first";
    if (image_starts_with(rq, 0,
                          "\x7f"
                          "ELF\x01",
                          5))
        return "is a 32-bit ELF file; Bulkhead starts 64-bit ELF files only";
    return NULL;
}

/* Into the legacy hole, where no image may put anything. */
static void image_add_platform(struct image *image, const struct image_request *rq)
{
    image_acpi_build(&image->acpi, rq->apic_ids, rq->core_count);
    image_add_piece(image, ACPI_TABLES_AT, image->acpi.bytes, image->acpi.size);
    image_add_piece(image, RESET_CODE_AT, image_reset_code, image_reset_code_size);
}

bool image_prepare(struct image *image, const struct image_request *rq)
{
    const char *kind = image_known_kind(rq);

    memset(image, 0, sizeof(*image));
    if (kind != NULL)
        return image_refuse(image, "%s", kind);
    if (rq->memory < GUEST_MEMORY_MIN)
        return image_refuse(image, "needs at least 1 MiB of memory");
    if (!(image_is_linux(rq) ? image_prepare_linux(image, rq) : image_prepare_pvh(image, rq)))
        return false;
    image_add_platform(image, rq);
    return true;
}
