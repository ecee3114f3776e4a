/* SPDX-License-Identifier: MIT */
/*
 * image_parts: what the formats share. Pure: reads the file, writes only *image.
 */
#include "kernel/image/image_parts.h"

#include <stdarg.h>

#include "kernel/config/text_span.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

bool image_refuse(struct image *image, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fmt_vprint(image->why, sizeof(image->why), fmt, args);
    va_end(args);
    return false;
}

struct range image_hole(void)
{
    return (struct range){.base = GUEST_HOLE_BASE, .size = GUEST_HOLE_END - GUEST_HOLE_BASE};
}

uint64_t image_last(struct range r)
{
    return r.base + (r.size - 1);
}

bool image_has_ram(const struct guest_map *map, struct range r)
{
    const struct guest_region *row = guest_map_find(map, gpa(r.base));

    return row && row->kind == REGION_RAM && r.size <= row->size - (r.base - row->at.v);
}

/* The first row of a guest's map is RAM with the whole hole in it. A device is found by its bus. */
uint32_t image_memory_map(const struct guest_map *map, struct image_map_row rows[IMAGE_MAP_MAX])
{
    static const enum image_memory what[] = {[REGION_RAM] = IMAGE_RAM,
                                             [REGION_SHARED] = IMAGE_RESERVED,
                                             [REGION_DEVICE] = IMAGE_RESERVED,
                                             [REGION_DISK] = IMAGE_DISK,
                                             [REGION_TABLE] = IMAGE_RESERVED};
    uint32_t count = 0;

    rows[count++] = (struct image_map_row){{.size = GUEST_HOLE_BASE}, IMAGE_RAM};
    rows[count++] = (struct image_map_row){image_hole(), IMAGE_RESERVED};
    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        const uint64_t from = max_u64(r->at.v, GUEST_HOLE_END), end = r->at.v + r->size;
        if (r->kind != REGION_DEVICE && r->kind != REGION_TABLE && from < end)
            rows[count++] = (struct image_map_row){{from, end - from}, what[r->kind]};
    }
    return count;
}

#define EARLY_CONSOLE "earlycon=uart8250,io,0x3f8 "

/*
 * The driver that finds the UART on the PCI bus takes the console over from the one for a PC's
 * ports, and Linux then prints its whole log a second time, unless there has been an early console.
 */
static const char *image_early_console(const struct image *image, const struct image_request *rq)
{
    const char *cmdline = rq->cmdline;

    if (!image->is_linux || !span_has_word(cmdline, "console=ttyS0") ||
        span_has_word(cmdline, "earlycon") || span_has_word(cmdline, "earlyprintk"))
        return "";
    return EARLY_CONSOLE;
}

void image_fill_cmdline(char out[CMDLINE_MAX], const struct image *image,
                        const struct image_request *rq, uint64_t max)
{
    const char *parts[] = {"", image->is_linux && rq->linux_options ? rq->linux_options : "",
                           image_early_console(image, rq)};
    uint64_t room = max - min_u64(max, strlen(rq->cmdline));
    char rate[40] = "";

    if (image->is_linux && rq->linux_tsc_khz != 0)
        fmt_print(rate, sizeof(rate), "tsc_early_khz=%lu ", rq->linux_tsc_khz);
    parts[0] = rate;
    for (uint32_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (strlen(parts[i]) > room)
            parts[i] = "";
        room -= strlen(parts[i]);
    }
    fmt_print(out, CMDLINE_MAX, "%s%s%s%s", parts[0], parts[1], parts[2], rq->cmdline);
}

void image_add_piece(struct image *image, uint64_t to, const void *source, uint64_t size)
{
    if (size == 0)
        return;
    ASSERT(image->piece_count < IMAGE_PIECES_MAX);
    image->pieces[image->piece_count++] =
        (struct image_piece){.to = gpa(to), .source = source, .size = size};
}

/* What would do: room above everything that is there. */
static bool image_refuse_initrd(struct image *image, const struct image_request *rq,
                                const struct range *taken, uint32_t count, uint64_t limit)
{
    const uint64_t memory = guest_map_ram(rq->map).size;
    const bool whole = is_aligned(memory, MIB);
    const uint64_t unit = whole ? MIB : KIB;
    const char letter = whole ? 'M' : 'K';
    uint64_t top = GUEST_HOLE_END;
    uint64_t need, initrd;

    for (uint32_t i = 0; i < count; i++)
        if (taken[i].base < limit)
            top = max_u64(top, taken[i].base + taken[i].size);
    if (!align_up(top, PAGE_SIZE, &top) || !align_up(rq->initrd_size, PAGE_SIZE, &initrd) ||
        top > limit || initrd > limit - top)
        return image_refuse(image, "leaves no room below 0x%lx for its initrd of %luM", limit,
                            rq->initrd_size / MIB + 1);
    need = top + initrd;
    return image_refuse(
        image, "and its initrd of %lu%c do not fit in %lu%c: write 'memory = %lu%c' or more",
        (rq->initrd_size + unit - 1) / unit, letter, memory / unit, letter,
        (need + unit - 1) / unit, letter);
}

/*
 * From the top down: what is in the way sends the initrd below itself, so each is met at most
 * once.
 */
bool image_place_initrd(struct image *image, const struct image_request *rq,
                        const struct range *taken, uint32_t count, uint64_t top, uint64_t *at)
{
    const uint64_t limit = min_u64(top, GUEST_LOW_MAX);

    top = min_u64(limit, rq->map->rows[0].size);
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
    return image_refuse_initrd(image, rq, taken, count, limit);
}

bool image_starts_with(const struct image_request *rq, uint64_t at, const char *bytes, uint64_t len)
{
    return rq->size >= at + len && memcmp(rq->bytes + at, bytes, len) == 0;
}
