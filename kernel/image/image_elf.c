/* SPDX-License-Identifier: MIT */
/*
 * image_elf: what the formats that come as ELF files share: their segments meet the guest's memory,
 * and a page is found for the boot data. The file's own consistency is lib/elf's business. Pure.
 */
#include "kernel/image/image_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"

/* In the words of the likely mistake: too little memory, else a place where no RAM ever is. */
static bool image_refuse_place(struct image *image, struct range r, const struct guest_map *map)
{
    bool low = r.base < GUEST_LOW_MAX && image_last(r) < GUEST_LOW_MAX;
    uint64_t need = image_last(r) / MIB + 1;
    char have[24];

    fmt_size(have, sizeof(have), guest_map_ram(map).size);
    if (low)
        return image_refuse(image,
                            "needs memory up to 0x%lx for a segment, but the guest has %s: write "
                            "'memory = %luM' or more",
                            image_last(r), have, need);
    return image_refuse(image,
                        "has a segment at 0x%lx-0x%lx, outside the guest's memory (%s from 0 "
                        "up, but none from 3 to 4 GiB)",
                        r.base, image_last(r), have);
}

/* Every byte of a segment must have RAM to go to, and none may be in the legacy hole. */
bool image_take(struct image *image, struct image_taken *taken, struct range r,
                const struct guest_map *map)
{
    if (r.size == 0)
        return true;
    if (!image_has_ram(map, r))
        return image_refuse_place(image, r, map);
    if (range_overlaps(r, image_hole()))
        return image_refuse(image,
                            "has a segment at 0x%lx-0x%lx, which touches the reserved "
                            "0xa0000-0xfffff; link it at 0x100000 or higher",
                            r.base, image_last(r));
    ASSERT(taken->count < ARRAY_SIZE(taken->ranges));
    taken->ranges[taken->count++] = r;
    return true;
}

bool image_load_elf(struct image *image, const struct elf *elf, const struct image_request *rq,
                    struct image_taken *taken)
{
    taken->count = 0;
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct elf64_phdr *s = &elf->segments[i];
        if (s->type != PT_LOAD)
            continue;
        if (!image_take(image, taken, (struct range){s->paddr, s->memsz}, rq->map))
            return false;
        image_add_piece(image, s->paddr, rq->bytes + s->offset, s->filesz);
    }
    return true;
}

bool image_place_boot_data(struct image *image, const struct image_taken *taken, uint64_t *at)
{
    for (*at = IMAGE_BOOT_DATA; *at < GUEST_HOLE_BASE; *at += PAGE_SIZE) {
        uint32_t i = 0;
        while (i < taken->count &&
               !range_overlaps(taken->ranges[i], (struct range){*at, PAGE_SIZE}))
            i++;
        if (i == taken->count)
            return true;
    }
    return image_refuse(image, "leaves no page free from 0x%lx to 0x%lx for the boot data",
                        IMAGE_BOOT_DATA, GUEST_HOLE_BASE - 1);
}
