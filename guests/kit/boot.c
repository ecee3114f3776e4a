/* SPDX-License-Identifier: MIT */
/*
 * boot: what the hypervisor tells in struct hvm_start_info ("x86/HVM direct boot ABI") and on the
 * command line, copied out of low memory once.
 */
#include "guests/kit/kit.h"
#include "lib/bits.h"
#include "lib/string.h"

#define START_MAGIC 0x336ec578
#define CMDLINE_MAX 1024

struct hvm_start_info {
    uint32_t magic;
    uint32_t version; /* 1 and above have a memory map */
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t cmdline;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_count;
    uint32_t reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "HVM direct boot ABI, version 1");

struct hvm_memory {
    uint64_t base;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct hvm_memory) == 24, "HVM direct boot ABI, version 1");

struct hvm_module {
    uint64_t base;
    uint64_t size;
    uint64_t cmdline;
    uint64_t reserved;
};
_Static_assert(sizeof(struct hvm_module) == 32, "HVM direct boot ABI, version 1");

#define DISK_WORD     "disk "
#define READ_ONLY_END " ro"

static struct disk disks[BOOT_DISKS_MAX];
static uint32_t disk_count;
static char line[CMDLINE_MAX];
static struct memory_range ranges[MEMORY_RANGES_MAX];
static uint32_t range_count;

/* "disk NAME" or "disk NAME ro" */
static void boot_add_disk(const struct hvm_module *module)
{
    const char *text = (const char *)module->cmdline;
    const size_t len = text == NULL ? 0 : strlen(text), word = sizeof(DISK_WORD) - 1;
    const size_t end = sizeof(READ_ONLY_END) - 1;
    struct disk *d = &disks[disk_count];

    if (disk_count == BOOT_DISKS_MAX || len <= word || memcmp(text, DISK_WORD, word) != 0)
        return;
    *d = (struct disk){.base = module->base, .size = module->size};
    d->read_only = len > word + end && memcmp(text + len - end, READ_ONLY_END, end) == 0;
    text_copy(d->name, sizeof(d->name), text + word);
    if (d->read_only)
        d->name[len - word - end] = '\0';
    disk_count++;
}

void boot_read(uint64_t start_info)
{
    const struct hvm_start_info *info = (const void *)start_info;

    if (info->magic != START_MAGIC || info->version < 1)
        fatal(1, "no start info at 0x%lx", start_info);
    if (info->cmdline != 0)
        text_copy(line, sizeof(line), (const char *)info->cmdline);

    const struct hvm_memory *map = (const void *)info->memory_map;
    for (uint32_t i = 0; i < info->memory_map_count && i < MEMORY_RANGES_MAX; i++) {
        ranges[i] = (struct memory_range){map[i].base, map[i].size, map[i].type};
        range_count++;
    }
    for (uint32_t i = 1; i < info->module_count; i++) /* 0 is the initrd's */
        boot_add_disk((const struct hvm_module *)info->modules + i);
}

uint32_t boot_disks(const struct disk **out)
{
    *out = disks;
    return disk_count;
}

uint32_t memory_map(const struct memory_range **out)
{
    *out = ranges;
    return range_count;
}

uint64_t memory_size(void)
{
    uint64_t size = 0;

    for (uint32_t i = 0; i < range_count; i++) {
        if (ranges[i].type == MEMORY_RAM)
            size += ranges[i].size;
    }
    return size;
}

uint64_t memory_top(void)
{
    uint64_t top = 0;

    for (uint32_t i = 0; i < range_count; i++) {
        if (ranges[i].type == MEMORY_RAM && ranges[i].base < 4 * GIB)
            top = max_u64(top, ranges[i].base + ranges[i].size);
    }
    return top;
}

const char *cmdline(void)
{
    return line;
}
