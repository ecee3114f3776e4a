/* SPDX-License-Identifier: MIT */
/*
 * guest_map: what a guest's physical addresses lead to, as rows. The plan makes them and they are
 * const ever after; nested tables and their judge, image placing, the memory map that the guest is
 * told, reports and diagnoses read them. Pure, no state.
 *
 *   0          .. 3 GiB or end   RAM
 *   3 GiB      .. 4 GiB          no RAM; from 3 GiB on, what it shares with other guests, and then
 *                                the registers of its devices
 *   4 GiB      ..                the RAM beyond 3 GiB
 *   after RAM  ..                disks, in the order of the file, each on GUEST_DISK_ALIGN
 */
#pragma once

#include "lib/types.h"
#include "mm/pagetable.h"
#include "mm/range.h"

/* Guest RAM begins at guest-physical 0; what exceeds GUEST_LOW_MAX goes on at GUEST_HIGH_BASE. */
#define GUEST_LOW_MAX   (3 * GIB)
#define GUEST_HIGH_BASE (4 * GIB)

/* Disks begin on Linux's unit of memory (SECTION_SIZE), and never where RAM or another disk ends:
 * Linux would take two that touch for one, and a guest that runs over its RAM's end would not be
 * noticed. */
#define GUEST_DISK_ALIGN (128 * MIB)

#define GUEST_REGIONS_MAX 80

/* Who may have the same host memory as well. plan_valid() judges it. */
enum region_kind {
    REGION_RAM,    /* nobody */
    REGION_SHARED, /* other guests, each in a row of this kind with the same `to` and `size` */
    REGION_DEVICE, /* nobody: the registers of a device that is the guest's */
    REGION_DISK,   /* nobody: a file, which may outlive what is in RAM */
    REGION_TABLE,  /* nobody: a page of ours in the place of a device's registers, which is read and
                      not written but one write after the other: kernel/vm/table.h */
};

struct guest_region {
    gpa_t at;
    hpa_t to;
    uint64_t size;       /* bytes: whole pages, as are `at` and `to` */
    uint32_t rights;     /* enum pt_right: PT_R and more */
    enum pt_memory type; /* write-back for memory, never for a device */
    enum region_kind kind;
    const char *name; /* for people: a disk's file, a link; NULL where there is nothing to say */
};

struct guest_map {
    uint32_t count;
    struct guest_region rows[GUEST_REGIONS_MAX]; /* sorted by `at`, none on top of another */
};

/* Adds a row where the order wants it. Making too many is our bug. */
void guest_map_add(struct guest_map *map, struct guest_region region);

/* `memory` bytes of RAM, contiguous in the host from `to` on, as one row or two. */
void guest_map_add_ram(struct guest_map *map, hpa_t to, uint64_t memory);

/* A disk of `size` bytes at `to`, behind all RAM and disks that the map has; returns where. It may
 * be executed as RAM may: Linux maps programs from it. */
gpa_t guest_map_add_disk(struct guest_map *map, hpa_t to, uint64_t size, bool read_only,
                         const char *name);

/* Memory that other guests have as well, at `at`; never executed. */
void guest_map_add_shared(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size, bool read_only,
                          const char *name);

/* Registers of a device, at `at`: never cached, never executed. */
void guest_map_add_device(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size,
                          const char *name);

/* Memory of ours in the midst of a device's registers, at `at`: read only. */
void guest_map_add_table(struct guest_map *map, gpa_t at, hpa_t to, uint64_t size,
                         const char *name);

/* There is a row of the kind. */
bool guest_map_has(const struct guest_map *map, enum region_kind kind);

/* The row that `address` lies in, or NULL. */
const struct guest_region *guest_map_find(const struct guest_map *map, gpa_t address);

/* The host memory that all RAM rows together are. */
struct range guest_map_ram(const struct guest_map *map);

/* All of `host` is memory that the guest reaches: its RAM, a disk or shared; never a device's
 * registers. */
bool guest_map_has_memory(const struct guest_map *map, struct range host);

/* The same map, but that tables can be written. */
void guest_map_open_tables(struct guest_map *to, const struct guest_map *map);

/* Enters all rows into empty tables; errors as pt_map(). */
MUST_CHECK enum status guest_map_fill(const struct guest_map *map, struct pagetable *pt);
