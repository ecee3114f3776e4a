/* SPDX-License-Identifier: MIT */
/*
 * image: checks a PVH ELF and lays out what it needs in guest memory. The file's own consistency
 * is lib/elf's business; here its segments meet the guest's memory. Pure: reads the file, writes
 * only *image.
 */
#include "kernel/image.h"

#include <stdarg.h>

#include "kernel/config.h"
#include "kernel/pvh.h"
#include "lib/bits.h"
#include "lib/elf.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define MEMORY_MAP_MAX 4

/* What the boot data's page holds. Its size is the page's, so that no earlier bytes can show. */
struct image_boot_data {
    struct pvh_start_info info;
    struct pvh_module initrd;
    struct pvh_memory map[MEMORY_MAP_MAX];
    char cmdline[CMDLINE_MAX];
};
_Static_assert(sizeof(struct image_boot_data) <= PAGE_SIZE, "the boot data is one page");
_Static_assert(sizeof(((struct image *)0)->boot_data) == PAGE_SIZE, "the boot data is one page");
_Static_assert(IMAGE_PIECES_MAX == ELF_SEGMENTS_MAX + 2, "segments, initrd, boot data");

PRINTF_LIKE(2, 3) static bool image_refuse(struct image *image, const char *fmt, ...)
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

static struct range image_hole(void)
{
    return (struct range){.base = GUEST_HOLE_BASE, .size = GUEST_HOLE_END - GUEST_HOLE_BASE};
}

static struct range segment_range(const struct elf64_phdr *s)
{
    return (struct range){.base = s->paddr, .size = s->memsz};
}

/* The last byte of a range that is not empty, for people: "0x100000-0x1fffff". */
static uint64_t image_last(struct range r)
{
    return r.base + (r.size - 1);
}

static bool image_starts_with(const struct image_request *rq, uint64_t at, const char *bytes,
                              uint64_t len)
{
    return rq->size >= at + len && memcmp(rq->bytes + at, bytes, len) == 0;
}

/* Kinds of file that people take for a kernel that Bulkhead starts, told apart by their magic. */
static const char *image_known_kind(const struct image_request *rq)
{
    if (rq->size == 0)
        return "is empty";
    if (image_starts_with(rq, 0x202, "HdrS", 4)) /* Linux "The Linux/x86 Boot Protocol" */
        return "is a Linux bzImage; use the vmlinux of a kernel built with CONFIG_PVH=y";
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

/* In the words of the likely mistake: too little memory, else a place where no RAM ever is. */
static bool image_refuse_place(struct image *image, struct range r, uint64_t memory)
{
    bool low = r.base < GUEST_LOW_MAX && image_last(r) < GUEST_LOW_MAX;
    uint64_t need = image_last(r) / MIB + 1;
    char have[24];

    fmt_size(have, sizeof(have), memory);
    if (low)
        return image_refuse(image,
                            "needs memory up to 0x%lx for a segment, the guest has %s: write "
                            "'memory = %luM' or more",
                            image_last(r), have, need);
    return image_refuse(image,
                        "has a segment at 0x%lx-0x%lx, outside of the guest's memory (%s from 0 "
                        "up, but none from 3 to 4 GiB)",
                        r.base, image_last(r), have);
}

/* Every byte of a segment must have RAM to go to, and none may be in the legacy hole. */
static bool image_check_segments(struct image *image, const struct elf *elf, uint64_t memory)
{
    struct range ram[2];

    image_ram(memory, ram);
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        struct range r = segment_range(&elf->segments[i]);
        if (elf->segments[i].type != PT_LOAD || r.size == 0)
            continue;
        if (!range_contains(ram[0], r) && !range_contains(ram[1], r))
            return image_refuse_place(image, r, memory);
        if (range_overlaps(r, image_hole()))
            return image_refuse(image,
                                "has a segment at 0x%lx-0x%lx, which touches the reserved "
                                "0xa0000-0xfffff; link it at 0x100000 or higher",
                                r.base, image_last(r));
    }
    return true;
}

/* The entry comes from the note, a 32-bit or 64-bit number, and must be code from the file. */
static bool image_find_entry(struct image *image, const struct elf *elf)
{
    uint64_t entry = 0;
    uint32_t len = 0;
    const void *note = elf_note(elf, PVH_NOTE_NAME, PVH_NOTE_ENTRY, &len);

    if (note == NULL)
        return image_refuse(image, "has no PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY); "
                                   "build Linux with CONFIG_PVH=y");
    if (len != sizeof(uint32_t) && len != sizeof(uint64_t))
        return image_refuse(image, "has a PVH entry note of %u bytes; it must be 4 or 8", len);
    memcpy(&entry, note, len);
    if (entry > UINT32_MAX)
        return image_refuse(image, "has its PVH entry at 0x%lx, beyond 4 GiB", entry);
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct elf64_phdr *s = &elf->segments[i];
        if (s->type == PT_LOAD && entry >= s->paddr && entry - s->paddr < s->filesz) {
            image->entry = gpa(entry);
            return true;
        }
    }
    return image_refuse(image, "has its PVH entry at 0x%lx, where no segment has code", entry);
}

static void image_add_piece(struct image *image, uint64_t to, const uint8_t *source, uint64_t size)
{
    if (size == 0)
        return;
    image->pieces[image->piece_count++] =
        (struct image_piece){.to = gpa(to), .source = source, .size = size};
}

/* A segment that has bytes in common with `r`, or NULL. */
static const struct elf64_phdr *image_segment_in(const struct elf *elf, struct range r)
{
    for (uint32_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].type == PT_LOAD && range_overlaps(segment_range(&elf->segments[i]), r))
            return &elf->segments[i];
    return NULL;
}

static bool image_place_boot_data(struct image *image, const struct elf *elf)
{
    for (uint64_t at = IMAGE_BOOT_DATA; at < GUEST_HOLE_BASE; at += PAGE_SIZE) {
        struct range page = {.base = at, .size = PAGE_SIZE};
        if (image_segment_in(elf, page) == NULL) {
            image->start_info = gpa(at + offsetof(struct image_boot_data, info));
            image_add_piece(image, at, image->boot_data, sizeof(image->boot_data));
            return true;
        }
    }
    return image_refuse(image, "leaves no page free from 0x%lx to 0x%lx for the boot data",
                        IMAGE_BOOT_DATA, GUEST_HOLE_BASE - 1);
}

/*
 * Highest place in low RAM, above 1 MiB, that no segment touches: one that does sends the initrd
 * below itself, so each is met at most once.
 */
static bool image_place_initrd(struct image *image, const struct elf *elf,
                               const struct image_request *rq, uint64_t *at)
{
    uint64_t top = min_u64(rq->memory, GUEST_LOW_MAX);

    *at = 0;
    if (rq->initrd == NULL)
        return true;
    for (uint32_t tries = 0; tries <= ELF_SEGMENTS_MAX; tries++) {
        if (top < GUEST_HOLE_END || rq->initrd_size > top - GUEST_HOLE_END)
            break;
        struct range place = {.size = rq->initrd_size};
        place.base = align_down(top - rq->initrd_size, PAGE_SIZE);
        const struct elf64_phdr *in_the_way = image_segment_in(elf, place);
        if (in_the_way == NULL) {
            *at = place.base;
            image_add_piece(image, place.base, rq->initrd, rq->initrd_size);
            return true;
        }
        top = in_the_way->paddr;
    }
    return image_refuse(image, "and its initrd of %lu KiB do not fit in %lu KiB of memory",
                        rq->initrd_size / KIB + (rq->initrd_size % KIB != 0), rq->memory / KIB);
}

static uint32_t image_memory_map(struct pvh_memory map[MEMORY_MAP_MAX], uint64_t memory)
{
    struct range ram[2];
    uint32_t count = 0;

    image_ram(memory, ram);
    map[count++] = (struct pvh_memory){.size = GUEST_HOLE_BASE, .type = PVH_MEM_RAM};
    map[count++] = (struct pvh_memory){.base = GUEST_HOLE_BASE,
                                       .size = GUEST_HOLE_END - GUEST_HOLE_BASE,
                                       .type = PVH_MEM_RESERVED};
    if (ram[0].size > GUEST_HOLE_END)
        map[count++] = (struct pvh_memory){
            .base = GUEST_HOLE_END, .size = ram[0].size - GUEST_HOLE_END, .type = PVH_MEM_RAM};
    if (ram[1].size > 0)
        map[count++] =
            (struct pvh_memory){.base = ram[1].base, .size = ram[1].size, .type = PVH_MEM_RAM};
    return count;
}

/* The addresses inside the boot data follow from where its page lies. */
static void image_fill_boot_data(struct image *image, const struct image_request *rq,
                                 uint64_t initrd_at)
{
    struct image_boot_data data = {0};
    uint64_t base = image->start_info.v - offsetof(struct image_boot_data, info);

    data.info.magic = PVH_START_MAGIC;
    data.info.version = PVH_START_V1;
    data.info.cmdline = base + offsetof(struct image_boot_data, cmdline);
    data.info.memory_map = base + offsetof(struct image_boot_data, map);
    data.info.memory_map_count = image_memory_map(data.map, rq->memory);
    text_copy(data.cmdline, sizeof(data.cmdline), rq->cmdline);
    if (rq->initrd != NULL) {
        data.info.module_count = 1;
        data.info.modules = base + offsetof(struct image_boot_data, initrd);
        data.initrd.base = initrd_at;
        data.initrd.size = rq->initrd_size;
    }
    memcpy(image->boot_data, &data, sizeof(data));
}

bool image_prepare(struct image *image, const struct image_request *rq)
{
    const char *kind = image_known_kind(rq);
    struct elf elf;
    uint64_t initrd_at;

    memset(image, 0, sizeof(*image));
    image->mode = IMAGE_ENTER_PVH32;
    if (kind != NULL)
        return image_refuse(image, "%s", kind);
    if (rq->memory < GUEST_MEMORY_MIN)
        return image_refuse(image, "needs at least 1 MiB of memory");
    if (!elf_check(&elf, rq->bytes, rq->size, ET_EXEC, true))
        return image_refuse(image, "%s", elf.why);
    if (!image_check_segments(image, &elf, rq->memory) || !image_find_entry(image, &elf))
        return false;
    for (uint32_t i = 0; i < elf.segment_count; i++) {
        const struct elf64_phdr *s = &elf.segments[i];
        if (s->type == PT_LOAD)
            image_add_piece(image, s->paddr, rq->bytes + s->offset, s->filesz);
    }
    if (!image_place_boot_data(image, &elf) || !image_place_initrd(image, &elf, rq, &initrd_at))
        return false;
    image_fill_boot_data(image, rq, initrd_at);
    return true;
}
