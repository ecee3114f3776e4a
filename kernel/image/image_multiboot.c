/* SPDX-License-Identifier: MIT */
/*
 * image_multiboot: finds a multiboot header, of either version, and loads its kernel by the
 * addresses in the header or by the ELF file's. Nothing in the file is trusted. Pure.
 */
#include "kernel/image/image_multiboot_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* The sum of `count` words at `at`, which lie in the file, or 1 where the first is not `magic`. */
static uint32_t multiboot_sum(const struct image_request *rq, uint64_t at, uint32_t magic,
                              uint32_t count)
{
    uint32_t words[4], sum = 0;

    ASSERT(count <= ARRAY_SIZE(words));
    memcpy(words, rq->bytes + at, count * sizeof(words[0]));
    for (uint32_t i = 0; i < count; i++)
        sum += words[i];
    return words[0] == magic ? sum : 1;
}

/* "The layout of Multiboot header": where in the file's first `search` bytes. */
static bool multiboot_find(const struct image_request *rq, uint32_t magic, uint32_t count,
                           uint64_t search, uint64_t align, uint64_t *at)
{
    const uint64_t size = count * sizeof(uint32_t), end = min_u64(rq->size, search);

    for (*at = 0; *at + size <= end; *at += align)
        if (multiboot_sum(rq, *at, magic, count) == 0)
            return true;
    return false;
}

static bool multiboot_find_1(const struct image_request *rq, uint64_t *at)
{
    return multiboot_find(rq, MULTIBOOT_HEADER_MAGIC, MULTIBOOT_HEADER_SHORT / sizeof(uint32_t),
                          MULTIBOOT_SEARCH, MULTIBOOT_ALIGN, at);
}

static bool multiboot_find_2(const struct image_request *rq, uint64_t *at)
{
    return multiboot_find(rq, MULTIBOOT2_HEADER_MAGIC,
                          sizeof(struct multiboot2_header) / sizeof(uint32_t), MULTIBOOT2_SEARCH,
                          MULTIBOOT2_ALIGN, at);
}

bool image_is_multiboot(const struct image_request *rq)
{
    uint64_t at;

    return multiboot_find_1(rq, &at) || multiboot_find_2(rq, &at);
}

/* ------------------------------------------------------------------ the kernel */

/*
 * "The address fields of Multiboot header": load_addr is where the file's part begins that lies as
 * far before the header as header_addr behind load_addr.
 */
static bool multiboot_load_flat(struct image *image, const struct image_request *rq,
                                const struct multiboot_wish *w, struct image_taken *taken)
{
    const uint64_t before = (uint64_t)w->header_addr - w->load_addr;
    uint64_t size, memory;

    if (w->load_addr > w->header_addr || before > w->at)
        return image_refuse(image,
                            "has a multiboot header whose load address 0x%x does not fit "
                            "its own place, 0x%x",
                            w->load_addr, w->header_addr);
    size = rq->size - (w->at - before);
    if (w->load_end_addr != 0) {
        if (w->load_end_addr <= w->load_addr)
            return image_refuse(image, "has a multiboot header that loads nothing");
        if (w->load_end_addr - w->load_addr > size)
            return image_refuse(image, "is cut off: its multiboot header wants more to be loaded");
        size = w->load_end_addr - w->load_addr;
    }
    memory = size;
    if (w->bss_end_addr != 0) {
        if (w->bss_end_addr < w->load_addr + size)
            return image_refuse(image, "has a multiboot header whose bss ends before its data");
        memory = w->bss_end_addr - w->load_addr;
    }
    taken->count = 0;
    if (!image_take(image, taken, (struct range){w->load_addr, memory}, rq->map))
        return false;
    if (w->entry_addr < w->load_addr || w->entry_addr - w->load_addr >= size)
        return image_refuse(image, "has its multiboot entry at 0x%x, where nothing is loaded",
                            w->entry_addr);
    image_add_piece(image, w->load_addr, rq->bytes + (w->at - before), size);
    image->entry = gpa(w->entry_addr);
    return true;
}

/* By its virtual address if it is one of the file's, because linkers write that; or as it is. */
static bool multiboot_find_entry(struct image *image, const struct elf *elf,
                                 const struct multiboot_wish *w)
{
    const uint64_t entry = w->has_entry ? w->entry_addr : elf->header.entry;

    for (uint32_t pass = w->has_entry ? 1 : 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < elf->segment_count; i++) {
            const struct elf64_phdr *s = &elf->segments[i];
            const uint64_t base = pass == 0 ? s->vaddr : s->paddr;
            if (s->type != PT_LOAD || entry < base || entry - base >= s->filesz)
                continue;
            if (s->paddr + (entry - base) > UINT32_MAX)
                continue;
            image->entry = gpa(s->paddr + (entry - base));
            return true;
        }
    }
    return image_refuse(image, "has its multiboot entry at 0x%lx, where no segment has code",
                        entry);
}

static bool multiboot_load(struct image *image, const struct image_request *rq,
                           const struct multiboot_wish *w, struct image_taken *taken)
{
    struct elf elf;

    if (w->has_addresses)
        return multiboot_load_flat(image, rq, w, taken);
    if (!elf_is(rq->bytes, rq->size))
        return image_refuse(image, "is a multiboot kernel that is not an ELF file and has no "
                                   "addresses in its header");
    if (!elf_check(&elf, rq->bytes, rq->size, ELF_FOR_GUEST))
        return image_refuse(image, "%s", elf.why);
    return image_load_elf(image, &elf, rq, taken) && multiboot_find_entry(image, &elf, w);
}

/* ------------------------------------------------------------------ what it is told */

static struct multiboot_part *multiboot_add(struct multiboot_facts *facts, uint64_t at,
                                            uint64_t size)
{
    struct multiboot_part *part = &facts->modules[facts->module_count++];

    ASSERT(facts->module_count <= MULTIBOOT_MODULES_MAX && at + size <= UINT32_MAX);
    part->start = (uint32_t)at;
    part->end = (uint32_t)(at + size);
    return part;
}

static void multiboot_fill_facts(struct multiboot_facts *facts, const struct image_request *rq,
                                 uint64_t initrd_at)
{
    const struct guest_map *map = rq->map;

    memset(facts, 0, sizeof(*facts));
    facts->rq = rq;
    facts->mem_lower = GUEST_HOLE_BASE / KIB;
    facts->mem_upper = (uint32_t)((map->rows[0].size - GUEST_HOLE_END) / KIB);
    facts->map_count = image_memory_map(map, facts->map);
    if (rq->initrd)
        fmt_print(multiboot_add(facts, initrd_at, rq->initrd_size)->text, MULTIBOOT_TEXT_MAX, "%s",
                  rq->initrd_name ? rq->initrd_name : "initrd");
    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        if (r->kind == REGION_DISK && r->at.v + r->size <= UINT32_MAX)
            fmt_print(multiboot_add(facts, r->at.v, r->size)->text, MULTIBOOT_TEXT_MAX, "disk %s%s",
                      r->name, r->rights & PT_W ? "" : " ro");
    }
}

bool image_prepare_multiboot(struct image *image, const struct image_request *rq)
{
    struct multiboot_wish wish = {0};
    struct multiboot_facts facts;
    struct image_taken taken;
    uint64_t base, initrd_at;
    const bool is_2 = multiboot_find_2(rq, &wish.at);

    image->mode = IMAGE_ENTER_MULTIBOOT32;
    image->has_pit = true;
    image->magic = is_2 ? MULTIBOOT2_START_MAGIC : MULTIBOOT_START_MAGIC;
    if (is_2 ? !image_multiboot_v2_read(image, rq, &wish)
             : !multiboot_find_1(rq, &wish.at) || !image_multiboot_v1_read(image, rq, &wish))
        return false;
    if (!multiboot_load(image, rq, &wish, &taken) || !image_place_boot_data(image, &taken, &base) ||
        !image_place_initrd(image, rq, taken.ranges, taken.count, GUEST_LOW_MAX, &initrd_at))
        return false;
    multiboot_fill_facts(&facts, rq, initrd_at);
    image->start_info = gpa(base);
    if (is_2)
        image_multiboot_v2_fill(image, &facts);
    else
        image_multiboot_v1_fill(image, &facts, base);
    image_add_piece(image, base, image->boot_data.multiboot, sizeof(image->boot_data.multiboot));
    return true;
}
