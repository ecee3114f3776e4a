/* SPDX-License-Identifier: MIT */
/*
 * image_multiboot_v1: the header and the boot information of the "Multiboot Specification version
 * 0.6.96". Pure.
 */
#include "kernel/image/image_multiboot_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* What the boot data's page holds. */
struct multiboot1_data {
    struct multiboot_info info;
    struct multiboot_module modules[MULTIBOOT_MODULES_MAX];
    struct multiboot_memory map[IMAGE_MAP_MAX];
    char cmdline[CMDLINE_MAX];
    char loader[sizeof(MULTIBOOT_LOADER_NAME)];
    char texts[MULTIBOOT_MODULES_MAX][MULTIBOOT_TEXT_MAX];
};
_Static_assert(sizeof(struct multiboot1_data) <= PAGE_SIZE, "the boot data is one page");

/* "Header magic fields": of the first 16 flags, what a loader does not know it must refuse. */
static bool multiboot1_check_flags(struct image *image, uint32_t flags)
{
    const uint32_t known = MULTIBOOT_WANTS_PAGES | MULTIBOOT_WANTS_MEMORY;
    const uint32_t unknown = flags & MULTIBOOT_REQUIRED & ~known;

    if ((flags & MULTIBOOT_WANTS_VIDEO) != 0)
        return image_refuse(image, "is a multiboot kernel that asks for a video mode (flag bit 2), "
                                   "but a guest has no screen");
    if (unknown != 0)
        return image_refuse(image,
                            "is a multiboot kernel that requires flag bit %u, which is not "
                            "known",
                            (uint32_t)__builtin_ctz(unknown));
    return true;
}

bool image_multiboot_v1_read(struct image *image, const struct image_request *rq,
                             struct multiboot_wish *wish)
{
    struct multiboot_header h = {0};

    memcpy(&h, rq->bytes + wish->at, MULTIBOOT_HEADER_SHORT);
    if (!multiboot1_check_flags(image, h.flags))
        return false;
    if ((h.flags & MULTIBOOT_HAS_ADDRESSES) == 0)
        return true;
    if (wish->at + sizeof(h) > min_u64(rq->size, MULTIBOOT_SEARCH))
        return image_refuse(image, "is cut off: it ends in the multiboot header");
    memcpy(&h, rq->bytes + wish->at, sizeof(h));
    wish->has_addresses = true;
    wish->header_addr = h.header_addr;
    wish->load_addr = h.load_addr;
    wish->load_end_addr = h.load_end_addr;
    wish->bss_end_addr = h.bss_end_addr;
    wish->has_entry = true;
    wish->entry_addr = h.entry_addr;
    return true;
}

static void multiboot1_fill_modules(struct multiboot1_data *data, uint32_t base,
                                    const struct multiboot_facts *facts)
{
    for (uint32_t i = 0; i < facts->module_count; i++) {
        const struct multiboot_part *part = &facts->modules[i];
        memcpy(data->texts[i], part->text, sizeof(part->text));
        data->modules[i] = (struct multiboot_module){
            .start = part->start,
            .end = part->end,
            .string =
                base + (uint32_t)offsetof(struct multiboot1_data, texts) + i * MULTIBOOT_TEXT_MAX};
    }
    data->info.mods_count = facts->module_count;
    data->info.mods_addr = base + (uint32_t)offsetof(struct multiboot1_data, modules);
}

static void multiboot1_fill_map(struct multiboot1_data *data, uint32_t base,
                                const struct multiboot_facts *facts)
{
    for (uint32_t i = 0; i < facts->map_count; i++)
        data->map[i] =
            (struct multiboot_memory){.size = sizeof(data->map[i]) - sizeof(data->map[i].size),
                                      .base = facts->map[i].range.base,
                                      .length = facts->map[i].range.size,
                                      .type = image_multiboot_type(&facts->map[i])};
    data->info.mmap_length = facts->map_count * (uint32_t)sizeof(data->map[0]);
    data->info.mmap_addr = base + (uint32_t)offsetof(struct multiboot1_data, map);
}

void image_multiboot_v1_fill(struct image *image, const struct multiboot_facts *facts,
                             uint64_t page)
{
    const uint32_t base = (uint32_t)page; /* below 640 KiB */
    struct multiboot1_data data = {0};

    ASSERT(page < GUEST_HOLE_BASE);
    data.info.flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODULES |
                      MULTIBOOT_INFO_MAP | MULTIBOOT_INFO_LOADER;
    data.info.mem_lower = facts->mem_lower;
    data.info.mem_upper = facts->mem_upper;
    data.info.cmdline = base + (uint32_t)offsetof(struct multiboot1_data, cmdline);
    data.info.boot_loader_name = base + (uint32_t)offsetof(struct multiboot1_data, loader);
    multiboot1_fill_modules(&data, base, facts);
    multiboot1_fill_map(&data, base, facts);
    fmt_print(data.cmdline, sizeof(data.cmdline), "%s", facts->rq->cmdline);
    memcpy(data.loader, MULTIBOOT_LOADER_NAME, sizeof(data.loader));
    memcpy(image->boot_data.multiboot, &data, sizeof(data));
}
