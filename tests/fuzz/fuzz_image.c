/* SPDX-License-Identifier: MIT */
/*
 * fuzz_image: any bytes as a guest's image. Where they are accepted every piece lies in guest
 * memory and apart from all others, nothing but the platform's own pieces is in the legacy hole,
 * each source lies in what was given or made, and the boot data says the truth.
 *
 * Input: the file, then 16 bytes: memory in pages, kind and size of the initrd, with bit 2 of the
 * kind whether it is called *.bin, command line, number of cores.
 */
#include "kernel/image/image.h"

#include "kernel/config/config.h"
#include "kernel/image/multiboot.h"
#include "kernel/image/pvh.h"
#include "support.h"

#define TAIL_BYTES 16

static struct image image;
static struct guest_map map;
static uint64_t guest_memory; /* bytes: what `map` is made of */
static uint8_t initrd[3 * 65536];

static bool within(const uint8_t *at, uint64_t size, const void *from, uint64_t room)
{
    const uintptr_t offset = (uintptr_t)at - (uintptr_t)from;

    return (uintptr_t)at >= (uintptr_t)from && offset <= room && size <= room - offset;
}

static bool in_ram(uint64_t at, uint64_t size, uint64_t memory)
{
    const uint64_t low = memory < GUEST_LOW_MAX ? memory : GUEST_LOW_MAX;

    if (at < GUEST_HIGH_BASE)
        return at <= low && size <= low - at;
    return at - GUEST_HIGH_BASE <= memory - low && size <= memory - low - (at - GUEST_HIGH_BASE);
}

static void check_piece(const struct image_request *rq, uint32_t i)
{
    const struct image_piece *p = &image.pieces[i];

    const bool platform = within(p->source, p->size, image.acpi.bytes, image.acpi.size) ||
                          within(p->source, p->size, image_reset_code, image_reset_code_size) ||
                          within(p->source, p->size, image_flat_stop, image_flat_stop_size);

    DEMAND(p->size > 0 && in_ram(p->to.v, p->size, guest_memory));
    if (platform)
        DEMAND(p->to.v >= GUEST_HOLE_BASE && p->to.v + p->size <= GUEST_HOLE_END);
    else
        DEMAND(p->to.v + p->size <= GUEST_HOLE_BASE || p->to.v >= GUEST_HOLE_END);
    DEMAND(platform || within(p->source, p->size, rq->bytes, rq->size) ||
           within(p->source, p->size, &image.boot_data, sizeof(image.boot_data)) ||
           (rq->initrd != NULL && within(p->source, p->size, rq->initrd, rq->initrd_size)));
    for (uint32_t k = 0; k < i; k++) {
        const struct image_piece *q = &image.pieces[k];
        DEMAND(p->to.v + p->size <= q->to.v || q->to.v + q->size <= p->to.v);
    }
}

static void check_pvh_data(const struct image_request *rq)
{
    struct pvh_start_info info;

    memcpy(&info, image.boot_data.pvh, sizeof(info));
    DEMAND(info.magic == PVH_START_MAGIC && image.start_info.v < GUEST_HOLE_BASE);
    DEMAND(info.cmdline >= image.start_info.v && info.cmdline < image.start_info.v + PAGE_SIZE);
    DEMAND(info.memory_map_count >= 2 && info.memory_map_count <= 4);
    DEMAND(info.module_count == (rq->initrd != NULL ? 1u : 0u));
    if (rq->initrd == NULL)
        return;
    struct pvh_module module;
    DEMAND(info.modules - image.start_info.v <= PAGE_SIZE - sizeof(module));
    memcpy(&module, image.boot_data.pvh + (info.modules - image.start_info.v), sizeof(module));
    DEMAND(module.size == rq->initrd_size && in_ram(module.base, module.size, guest_memory));
}

static void check_multiboot_module(const struct image_request *rq, uint32_t start, uint32_t end)
{
    DEMAND(start % PAGE_SIZE == 0 && end - start == rq->initrd_size);
    DEMAND(in_ram(start, rq->initrd_size, guest_memory));
}

/* The page is in place, and its parts in the page. */
static void check_multiboot_1(const struct image_request *rq, const struct multiboot_info *info)
{
    const uint32_t base = (uint32_t)image.start_info.v;
    struct multiboot_module module;

    DEMAND(info->mmap_addr - base <= PAGE_SIZE - info->mmap_length);
    DEMAND(info->mmap_length >= 2 * 24 && info->mmap_length <= 4 * 24);
    DEMAND(info->cmdline - base <= PAGE_SIZE - CMDLINE_MAX);
    DEMAND(strcmp((const char *)image.boot_data.multiboot + (info->cmdline - base), rq->cmdline) ==
           0);
    DEMAND(info->mods_count == (rq->initrd != NULL ? 1u : 0u));
    DEMAND(info->mods_addr - base <= PAGE_SIZE - sizeof(module));
    memcpy(&module, image.boot_data.multiboot + (info->mods_addr - base), sizeof(module));
    if (rq->initrd != NULL)
        check_multiboot_module(rq, module.start, module.end);
}

/* Tags follow each other to the end, with the command line and the modules among them. */
static void check_multiboot_2(const struct image_request *rq, uint32_t total)
{
    uint32_t cmdlines = 0, modules = 0, used = 8;
    struct multiboot2_module tag = {.tag = {.type = 1}};

    DEMAND(total <= PAGE_SIZE);
    for (; tag.tag.type != MULTIBOOT2_END; used += (tag.tag.size + 7) & ~7u) {
        DEMAND(used + 8 <= total);
        memcpy(&tag, image.boot_data.multiboot + used, sizeof(tag));
        DEMAND(tag.tag.size >= 8 && tag.tag.size <= total - used);
        modules += tag.tag.type == MULTIBOOT2_MODULE;
        cmdlines += tag.tag.type == MULTIBOOT2_CMDLINE &&
                    strcmp((const char *)image.boot_data.multiboot + used + 8, rq->cmdline) == 0;
        if (tag.tag.type == MULTIBOOT2_MODULE)
            check_multiboot_module(rq, tag.start, tag.end);
    }
    DEMAND(used == total && cmdlines == 1 && modules == (rq->initrd != NULL ? 1u : 0u));
}

static void check_multiboot_data(const struct image_request *rq)
{
    struct multiboot_info info;

    memcpy(&info, image.boot_data.multiboot, sizeof(info));
    DEMAND(image.start_info.v < GUEST_HOLE_BASE && image.start_info.v % PAGE_SIZE == 0);
    if (image.magic == MULTIBOOT_START_MAGIC)
        check_multiboot_1(rq, &info);
    else
        check_multiboot_2(rq, info.flags);
}

static void check_linux_data(const struct image_request *rq)
{
    const struct linux_boot_params *p = &image.boot_data.linux_boot.params;
    const struct linux_header *h = &p->header;

    DEMAND(h->magic == LINUX_MAGIC && p->acpi_rsdp_addr == ACPI_TABLES_AT);
    DEMAND(p->e820_count >= 3 && p->e820_count <= 4);
    DEMAND(in_ram(h->cmd_line_ptr, CMDLINE_MAX, GUEST_HOLE_BASE));
    /* What a unified kernel image has inside counts where nothing else is said. */
    DEMAND(rq->cmdline[0] == '\0' || strcmp(image.boot_data.linux_boot.cmdline, rq->cmdline) == 0);
    DEMAND(in_ram(image.entry.v - LINUX_ENTRY_64, h->init_size, guest_memory));
    DEMAND(rq->initrd != NULL ? h->ramdisk_size == rq->initrd_size : h->ramdisk_size < rq->size);
    DEMAND(in_ram(h->ramdisk_image, h->ramdisk_size, guest_memory));
    DEMAND(h->ramdisk_size == 0 ||
           (uint64_t)h->ramdisk_image + h->ramdisk_size - 1 <= h->initrd_addr_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input tail;
    char cmdline[CMDLINE_MAX];

    if (!fuzz_tail(data, &size, TAIL_BYTES, &tail))
        return 0;
    uint8_t *file = malloc(size);
    DEMAND(file != NULL || size == 0);
    if (size > 0)
        memcpy(file, data, size);
    struct image_request rq = {.bytes = file, .size = size, .cmdline = cmdline};
    guest_memory = fuzz_take(&tail, 5) % (GUEST_MEMORY_MAX / PAGE_SIZE) * PAGE_SIZE;
    if (guest_memory < GUEST_MEMORY_MIN)
        guest_memory += GUEST_MEMORY_MIN;
    map.count = 0;
    guest_map_add_ram(&map, hpa(GIB), guest_memory);
    rq.map = &map;
    const uint8_t kind = fuzz_u8(&tail);
    rq.initrd_size = fuzz_take(&tail, kind & 2 ? 5 : 2) + 1;
    rq.name = kind & 4 ? "x.bin" : "x.elf";
    if (kind & 1)
        rq.initrd = initrd; /* never read by image_prepare(), so it may claim to be larger */
    else
        rq.initrd_size = 0;
    memset(cmdline, 'x', sizeof(cmdline));
    cmdline[fuzz_take(&tail, 2) % CMDLINE_MAX] = '\0';
    cmdline[CMDLINE_MAX - 1] = '\0';
    rq.core_count = fuzz_u8(&tail) % (GUEST_CORES_MAX + 1);

    memset(&image, 0xa5, sizeof(image));
    if (image_prepare(&image, &rq)) {
        DEMAND(image.piece_count >= 1 && image.piece_count <= IMAGE_PIECES_MAX);
        for (uint32_t i = 0; i < image.piece_count; i++)
            check_piece(&rq, i);
        DEMAND(in_ram(image.entry.v, 1, guest_memory) && image.entry.v <= UINT32_MAX);
        switch (image.mode) {
        case IMAGE_ENTER_LINUX64:
            check_linux_data(&rq);
            break;
        case IMAGE_ENTER_PVH32:
            check_pvh_data(&rq);
            break;
        case IMAGE_ENTER_MULTIBOOT32:
            check_multiboot_data(&rq);
            break;
        case IMAGE_ENTER_REAL16:
            DEMAND(rq.initrd == NULL && cmdline[0] == '\0' && (kind & 4) != 0);
            break;
        }
    } else {
        DEMAND(image.why[0] != '\0' && strnlen(image.why, IMAGE_WHY_MAX) < IMAGE_WHY_MAX);
    }
    free(file);
    return 0;
}
