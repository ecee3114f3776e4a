/* SPDX-License-Identifier: MIT */
/*
 * image_pvh: checks a PVH ELF and lays out what it needs in guest memory. The file's own
 * consistency is lib/elf's business; here its segments meet the guest's memory. Pure.
 */
#include "kernel/image/image_parts.h"
#include "kernel/image/pvh.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/elf.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define IMAGE_DISK_TEXT (FILE_NAME_MAX + 8) /* "disk root.img ro" */

/* What the boot data's page holds. Its size is the page's, so that no earlier bytes can show. */
struct image_boot_data {
    struct pvh_start_info info;
    struct pvh_module modules[1 + DISKS_MAX]; /* the initrd, then the disks */
    struct pvh_memory map[IMAGE_MAP_MAX];
    char cmdline[CMDLINE_MAX];
    char disks[DISKS_MAX][IMAGE_DISK_TEXT];
};
_Static_assert(sizeof(struct image_boot_data) <= PAGE_SIZE, "the boot data is one page");

/* Linux' "linux/elfnote.h" users: LINUX_ELFNOTE_BUILD_SALT, LINUX_ELFNOTE_LTO_INFO. */
enum { LINUX_NOTE_FIRST = 0x100, LINUX_NOTE_LAST = 0x101 };

/* Xen "elfnote.h": ENTRY to FEATURES, which kernels for Xen's PV mode have. */
enum { XEN_NOTE_FIRST = 1, XEN_NOTE_LAST = 10 };

static bool image_has_note(const struct elf *elf, const char *name, uint32_t first, uint32_t last)
{
    uint32_t len;

    for (uint32_t type = first; type <= last; type++)
        if (elf_note(elf, name, type, &len) != NULL)
            return true;
    return false;
}

static bool image_is_elf_linux(const struct elf *elf)
{
    return image_has_note(elf, "Linux", LINUX_NOTE_FIRST, LINUX_NOTE_LAST);
}

/* What lacks a PVH entry, and what its owner can do. */
static bool image_refuse_entry(struct image *image, const struct elf *elf)
{
    static const char note[] = "a PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY)";

    for (uint32_t i = 0; i < elf->segment_count; i++)
        if (elf->segments[i].type == PT_INTERP)
            return image_refuse(image, "is a program for an operating system, not a kernel");
    if (image_is_elf_linux(elf))
        return image_refuse(image, "is a Linux kernel without a PVH entry: use its bzImage, or "
                                   "build it with CONFIG_PVH=y");
    if (image_has_note(elf, PVH_NOTE_NAME, XEN_NOTE_FIRST, XEN_NOTE_LAST))
        return image_refuse(image, "is a kernel for Xen's PV mode; it needs %s", note);
    return image_refuse(image, "has no PVH entry (ELF note 'Xen', type 18: PHYS32_ENTRY) and no "
                               "multiboot header");
}

/* The entry comes from the note, a 32-bit or 64-bit number, and must be code from the file. */
static bool image_find_entry(struct image *image, const struct elf *elf, const void *note,
                             uint32_t len)
{
    uint64_t entry = 0;

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

static bool image_place_pvh_data(struct image *image, const struct image_taken *taken)
{
    uint64_t at;

    if (!image_place_boot_data(image, taken, &at))
        return false;
    image->start_info = gpa(at + offsetof(struct image_boot_data, info));
    image_add_piece(image, at, image->boot_data.pvh, sizeof(image->boot_data.pvh));
    return true;
}

static uint32_t image_pvh_map(struct pvh_memory map[IMAGE_MAP_MAX], const struct guest_map *of,
                              bool is_linux)
{
    const uint32_t types[] = {[IMAGE_RAM] = PVH_MEM_RAM,
                              [IMAGE_RESERVED] = PVH_MEM_RESERVED,
                              [IMAGE_DISK] = is_linux ? PVH_MEM_PRAM : PVH_MEM_PMEM};
    struct image_map_row rows[IMAGE_MAP_MAX];
    const uint32_t count = image_memory_map(of, rows);

    for (uint32_t i = 0; i < count; i++)
        map[i] = (struct pvh_memory){
            .base = rows[i].range.base, .size = rows[i].range.size, .type = types[rows[i].what]};
    return count;
}

/* Modules 1 and up; returns how many. */
static uint32_t image_add_disks(struct image_boot_data *data, uint64_t base,
                                const struct guest_map *map)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        if (r->kind != REGION_DISK)
            continue;
        ASSERT(count < DISKS_MAX);
        fmt_print(data->disks[count], IMAGE_DISK_TEXT, "disk %s%s", r->name,
                  r->rights & PT_W ? "" : " ro");
        data->modules[1 + count] = (struct pvh_module){
            .base = r->at.v,
            .size = r->size,
            .cmdline = base + offsetof(struct image_boot_data, disks) + count * IMAGE_DISK_TEXT};
        count++;
    }
    return count;
}

/* Module 0 is the initrd's in any case, empty where only disks follow it. Linux would take any
 * module 0 for its initrd, and finds disks by the memory map. */
static void image_fill_modules(struct image_boot_data *data, uint64_t base, bool is_linux,
                               const struct image_request *rq, uint64_t initrd_at)
{
    const uint32_t disks = is_linux ? 0 : image_add_disks(data, base, rq->map);

    if (rq->initrd == NULL && disks == 0)
        return;
    data->info.module_count = 1 + disks;
    data->info.modules = base + offsetof(struct image_boot_data, modules);
    if (rq->initrd != NULL)
        data->modules[0] = (struct pvh_module){.base = initrd_at, .size = rq->initrd_size};
}

/* The addresses inside the boot data follow from where its page lies. */
static void image_fill_boot_data(struct image *image, const struct image_request *rq,
                                 uint64_t initrd_at)
{
    struct image_boot_data data = {0};
    uint64_t base = image->start_info.v - offsetof(struct image_boot_data, info);

    data.info.magic = PVH_START_MAGIC;
    data.info.version = PVH_START_V1;
    data.info.rsdp = ACPI_TABLES_AT;
    data.info.cmdline = base + offsetof(struct image_boot_data, cmdline);
    data.info.memory_map = base + offsetof(struct image_boot_data, map);
    data.info.memory_map_count = image_pvh_map(data.map, rq->map, image->is_linux);
    image_fill_cmdline(data.cmdline, image, rq, sizeof(data.cmdline) - 1);
    image_fill_modules(&data, base, image->is_linux, rq, initrd_at);
    memcpy(image->boot_data.pvh, &data, sizeof(data));
}

bool image_has_pvh(const struct elf *elf)
{
    uint32_t len;

    return elf_note(elf, PVH_NOTE_NAME, PVH_NOTE_ENTRY, &len) != NULL;
}

bool image_prepare_pvh(struct image *image, const struct image_request *rq)
{
    struct image_taken taken;
    struct elf elf;
    const void *note;
    uint64_t initrd_at;
    uint32_t len;

    image->mode = IMAGE_ENTER_PVH32;
    if (!elf_check(&elf, rq->bytes, rq->size, ELF_FOR_GUEST))
        return image_refuse(image, "%s", elf.why);
    note = elf_note(&elf, PVH_NOTE_NAME, PVH_NOTE_ENTRY, &len);
    if (note == NULL)
        return image_refuse_entry(image, &elf);
    image->is_linux = image_is_elf_linux(&elf);
    if (!image_load_elf(image, &elf, rq, &taken) || !image_find_entry(image, &elf, note, len) ||
        !image_place_pvh_data(image, &taken) ||
        !image_place_initrd(image, rq, taken.ranges, taken.count, GUEST_LOW_MAX, &initrd_at))
        return false;
    image_fill_boot_data(image, rq, initrd_at);
    return true;
}
