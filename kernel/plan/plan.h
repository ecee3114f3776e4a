/* SPDX-License-Identifier: MIT */
/*
 * plan: struct config (what is wished) + struct machine (what there is) → struct plan (what will
 * be), every shortage and overlap refused. After plan_make() said yes nothing is chosen any more:
 * the plan is const and the rest of the hypervisor only carries it out. Pure; also in plancheck.
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/config/errors.h"
#include "kernel/config/folder.h"
#include "kernel/image/image.h"
#include "lib/types.h"
#include "mm/range.h"

#define MACHINE_RANGES_MAX  64
#define MACHINE_MODULES_MAX FOLDER_MAX
#define MACHINE_OWN_MAX     (MACHINE_MODULES_MAX + 8)

struct machine_module {
    char name[FILE_NAME_MAX];
    const uint8_t *bytes;
    uint64_t size; /* 0: empty, or not named by the configuration and so not read */
};

struct machine {
    uint32_t core_count; /* cores that answered, 1..CORES_MAX; core 0 is the one that booted */
    uint32_t apic_ids[CORES_MAX];
    uint32_t thread_bits; /* APIC ids that differ in so many low bits only: threads of one core */
    uint32_t range_count;
    struct range ranges[MACHINE_RANGES_MAX]; /* free RAM for guests: sorted, disjoint, 4 KiB */
    uint32_t own_count; /* what the hypervisor keeps: its image, its pool, the files ... */
    struct range own[MACHINE_OWN_MAX];
    uint32_t module_count;
    struct machine_module modules[MACHINE_MODULES_MAX];
    bool has_screen;
    bool needs_monitor; /* core 0 has to stay free: it watches guests' deadlines (vm/watch.c) */
};

struct plan_guest {
    const struct config_guest *config;
    uint32_t core_count;
    uint32_t cores[CORES_MAX]; /* indices into machine.apic_ids, the first boots the guest */
    struct range ram;   /* host-physical, contiguous, base 2 MiB-aligned (1 GiB if it fits) */
    struct image image; /* checked against config->memory */
    const struct machine_module *image_module;
    const struct machine_module *initrd_module; /* NULL: none */
};

/* Large, and its images must not move: static, never on a hypervisor stack. */
struct plan {
    const struct config *config;
    uint32_t reserved_cores; /* cores 0..reserved_cores-1 stay with the monitor */
    uint32_t guest_count;
    struct plan_guest guests[GUESTS_MAX];
};

/*
 * Makes the plan or reports why not. Cores: exact lists first, then counts from the lowest free
 * core, in file order; threads of one core never to different owners, unless the file says so.
 * Memory: largest guests first, first fit. Returns true when all fits.
 * `config` is one that config_parse() accepted; it and `machine` must outlive the plan.
 */
MUST_CHECK bool plan_make(struct plan *plan, const struct config *config,
                          const struct machine *machine, struct errors *report);

/*
 * What plan_make() promises, checked once more by other means before the plan is carried out:
 * disjoint, aligned, inside the machine's free ranges, off what the hypervisor keeps, no core
 * twice, every piece of an image inside its guest's memory. False is our own bug.
 */
MUST_CHECK bool plan_valid(const struct plan *plan, const struct machine *machine);

/*
 * The plan as lines of a table, at most PLAN_LINE_MAX characters each, one call per line; false
 * when there is no such line.
 */
#define PLAN_LINE_MAX 100
MUST_CHECK bool plan_print(const struct plan *plan, uint32_t index, char *buf, size_t size);
