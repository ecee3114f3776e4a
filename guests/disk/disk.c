/* SPDX-License-Identifier: MIT */
/*
 * disk: uses the disks that it has over several lives. A file for it is 64-bit words: 0 in word 0,
 * the file's size in bytes in word 1, DISK_PATTERN times i in each other word i. In each life it
 * says of each disk in how many lives it was written, and whether all else is as it should be; then
 * it writes all of it. Options: lives=N (2): restarts until a disk has been written in so many;
 * how=write: then writes to the first disk that it may only read, how=past: reads behind the last
 * disk; else it powers off, with code 0 if all was well.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "lib/bits.h"

#define DISK_PATTERN UINT64_C(0x9e3779b97f4a7c15)
#define DISK_DIRT    UINT64_C(0xdeadbeefcafef00d)
#define EXIT_ESCAPED 66

static bool disk_is_listed(const struct disk *d)
{
    const struct memory_range *ranges;
    const uint32_t count = memory_map(&ranges);

    for (uint32_t i = 0; i < count; i++) {
        if (ranges[i].base == d->base && ranges[i].size == d->size)
            return ranges[i].type == MEMORY_PERSISTENT;
    }
    return false;
}

static bool disk_is_whole(const struct disk *d)
{
    const volatile uint64_t *words = (const volatile uint64_t *)d->base;
    const uint64_t in_file = words[1] / sizeof(*words);
    const bool written = words[0] != 0;

    for (uint64_t i = 2; i < d->size / sizeof(*words); i++) {
        const uint64_t file = i < in_file ? i * DISK_PATTERN : 0;
        if (words[i] != (written ? DISK_DIRT + i : file))
            return false;
    }
    return true;
}

static void disk_write(const struct disk *d)
{
    volatile uint64_t *words = (volatile uint64_t *)d->base;

    words[0] = words[0] + 1;
    for (uint64_t i = 2; i < d->size / sizeof(*words); i++)
        words[i] = DISK_DIRT + i;
}

/* In how many lives it was written before this one. */
static uint64_t disk_check(const struct disk *d, bool *well)
{
    const uint64_t lives = *(const volatile uint64_t *)d->base;
    const bool whole = disk_is_whole(d), listed = disk_is_listed(d);

    print("%s: %lu KiB at 0x%lx%s, written in %lu lives, %s%s\n", d->name, d->size / KIB, d->base,
          d->read_only ? ", read-only" : "", lives, whole ? "whole" : "DAMAGED",
          listed ? "" : ", NOT LISTED");
    *well = *well && whole && listed;
    return lives;
}

static void disk_trespass(const struct disk *disks, uint32_t count)
{
    const struct disk *last = &disks[count - 1];

    if (option_is("how", "past"))
        print("behind it is 0x%lx\n", *(const volatile uint64_t *)(last->base + last->size));
    for (uint32_t i = 0; i < count; i++) {
        if (option_is("how", "write") && disks[i].read_only)
            *(volatile uint64_t *)disks[i].base = 1;
    }
    print("ESCAPED\n");
    power_off(EXIT_ESCAPED);
}

int main(void)
{
    const struct disk *disks;
    const uint32_t count = boot_disks(&disks);
    uint64_t most = 0;
    bool well = count > 0;

    for (uint32_t i = 0; i < count; i++) {
        most = max_u64(most, disk_check(&disks[i], &well));
        if (!disks[i].read_only)
            disk_write(&disks[i]);
    }
    if (most + 1 < option_number("lives", 2))
        bulkhead_restart();
    if (count > 0 && option_set("how"))
        disk_trespass(disks, count);
    return well ? 0 : 1;
}
