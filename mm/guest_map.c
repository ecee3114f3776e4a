/* SPDX-License-Identifier: MIT */
#include "mm/guest_map.h"

#include "lib/assert.h"
#include "lib/bits.h"

void guest_map_add(struct guest_map *map, struct guest_region region)
{
    uint32_t i = map->count++;

    ASSERT(i < GUEST_REGIONS_MAX);
    for (; i > 0 && map->rows[i - 1].at.v > region.at.v; i--)
        map->rows[i] = map->rows[i - 1];
    map->rows[i] = region;
}

void guest_map_add_ram(struct guest_map *map, hpa_t to, uint64_t memory)
{
    const uint64_t low = min_u64(memory, GUEST_LOW_MAX);
    struct guest_region ram = {
        .to = to, .size = low, .rights = PT_R | PT_W | PT_X, .type = PT_WRITE_BACK};

    guest_map_add(map, ram);
    if (memory == low)
        return;
    ram.at = gpa(GUEST_HIGH_BASE);
    ram.to.v += low;
    ram.size = memory - low;
    guest_map_add(map, ram);
}

gpa_t guest_map_add_disk(struct guest_map *map, hpa_t to, uint64_t size, bool read_only,
                         const char *name)
{
    uint64_t end = 0;

    for (uint32_t i = 0; i < map->count; i++)
        if (map->rows[i].kind == REGION_RAM || map->rows[i].kind == REGION_DISK)
            end = max_u64(end, map->rows[i].at.v + map->rows[i].size);
    uint64_t at = align_down(end, GUEST_DISK_ALIGN) + GUEST_DISK_ALIGN;
    if (at < GUEST_HIGH_BASE && (at > GUEST_LOW_MAX || size > GUEST_LOW_MAX - at))
        at = GUEST_HIGH_BASE;
    guest_map_add(map, (struct guest_region){.at = gpa(at),
                                             .to = to,
                                             .size = size,
                                             .rights = read_only ? PT_R | PT_X : PT_R | PT_W | PT_X,
                                             .type = PT_WRITE_BACK,
                                             .kind = REGION_DISK,
                                             .name = name});
    return gpa(at);
}

void guest_map_add_shared(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size, bool read_only,
                          const char *name)
{
    guest_map_add(map, (struct guest_region){.at = at,
                                             .to = to,
                                             .size = size,
                                             .rights = read_only ? PT_R : PT_R | PT_W,
                                             .type = PT_WRITE_BACK,
                                             .kind = REGION_SHARED,
                                             .name = name});
}

void guest_map_add_device(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size,
                          const char *name)
{
    guest_map_add(map, (struct guest_region){.at = at,
                                             .to = to,
                                             .size = size,
                                             .rights = PT_R | PT_W,
                                             .type = PT_UNCACHED,
                                             .kind = REGION_DEVICE,
                                             .name = name});
}

void guest_map_add_table(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size, const char *name)
{
    guest_map_add(map, (struct guest_region){.at = at,
                                             .to = to,
                                             .size = size,
                                             .rights = PT_R,
                                             .type = PT_WRITE_BACK,
                                             .kind = REGION_TABLE,
                                             .name = name});
}

bool guest_map_has(const struct guest_map *map, enum region_kind kind)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (map->rows[i].kind == kind)
            return true;
    return false;
}

void guest_map_open_tables(struct guest_map *to, const struct guest_map *map)
{
    *to = *map;
    for (uint32_t i = 0; i < to->count; i++)
        if (to->rows[i].kind == REGION_TABLE)
            to->rows[i].rights |= PT_W;
}

const struct guest_region *guest_map_find(const struct guest_map *map, gpa_t address)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (address.v - map->rows[i].at.v < map->rows[i].size)
            return &map->rows[i];
    return NULL;
}

struct range guest_map_ram(const struct guest_map *map)
{
    struct range ram = {0};

    for (uint32_t i = 0; i < map->count; i++) {
        if (map->rows[i].kind != REGION_RAM)
            continue;
        if (ram.size == 0)
            ram.base = map->rows[i].to.v;
        ram.size += map->rows[i].size;
    }
    return ram;
}

bool guest_map_has_memory(const struct guest_map *map, struct range host)
{
    bool has = range_contains(guest_map_ram(map), host);

    for (uint32_t i = 0; i < map->count; i++) {
        const struct guest_region *r = &map->rows[i];
        if (r->kind != REGION_DEVICE && r->kind != REGION_TABLE)
            has = has || range_contains((struct range){r->to.v, r->size}, host);
    }
    return has;
}

enum status guest_map_fill(const struct guest_map *map, struct pagetable *pt)
{
    enum status s = OK;

    for (uint32_t i = 0; i < map->count && s == OK; i++) {
        const struct guest_region *r = &map->rows[i];
        s = pt_map(pt, r->at.v, r->to, r->size, r->rights, r->type);
    }
    return s;
}
