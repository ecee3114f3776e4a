/* SPDX-License-Identifier: MIT */
/*
 * plan: struct config (what is wished) + struct machine (what there is) → struct plan (what will
 * be), every shortage and overlap refused. After plan_make() has succeeded, nothing is chosen any
 * more: the plan is const and the rest of the hypervisor only carries it out. Pure; also in
 * plancheck.
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/config/errors.h"
#include "kernel/image/image.h"
#include "kernel/plan/machine.h"
#include "lib/log.h"
#include "lib/types.h"
#include "mm/guest_map.h"
#include "mm/range.h"

/* One of config's disks. */
struct plan_disk {
    const struct machine_module *module;
    gpa_t at; /* of its row in the guest's map */
};

/* A guest's end of one of config's links. */
struct plan_end {
    uint32_t link; /* index into plan.links */
    uint32_t side;
    gpa_t at; /* of its window in the guest's map; 0: the link has none */
};

/* One of config's devices. */
struct plan_device {
    const struct pci_entry *entry;
    gpa_t bars[PCI_BARS]; /* where the guest has those of memory; 0: none */
    uint32_t messages;    /* of its MSI-X table, that the guest sees; 0: it has MSI instead */
    gpa_t table;          /* where the guest has that table */
    struct range own;     /* the device's pages in whose place memory of ours stands for it */
    const struct pci_entry *bridge; /* which resets it, with its bus; NULL: it is not done so */
};

/* How it is reset between two lives of the guest. */
static inline enum pci_reset plan_device_reset(const struct plan_device *device)
{
    const enum pci_reset reset = device->entry->reset;

    return reset == PCI_RESET_BUS && device->bridge == NULL ? PCI_RESET_NONE : reset;
}

struct plan_link {
    const struct config_link *config;
    hpa_t to; /* of its window */
};

struct plan_guest {
    const struct config_guest *config;
    uint32_t core_count;
    uint32_t cores[GUEST_CORES_MAX]; /* indices into machine.apic_ids, the first boots the guest */
    struct guest_map map; /* its RAM is contiguous in the host, on 2 MiB (1 GiB if it fits) */
    struct image image;   /* checked against `map` */
    const struct machine_module *image_module;
    const struct machine_module *initrd_module; /* NULL: none */
    struct plan_disk disks[DISKS_MAX];          /* config->disk_count of them */
    uint32_t device_count;
    struct plan_device devices[GUEST_DEVICES_MAX];
    uint32_t end_count;
    struct plan_end ends[GUEST_LINKS_MAX]; /* in the order of the file */
};

/* Large, and its images must not move: in memory of its own, plan_size() bytes of it. */
struct plan {
    const struct config *config;
    uint32_t reserved_cores; /* cores 0..reserved_cores-1 stay with the monitor */
    uint32_t link_count;
    struct plan_link links[LINKS_MAX];
    uint32_t guest_count;
    struct plan_guest guests[GUESTS_MAX]; /* last: there is memory for guest_count of them only */
};

/* Bytes of a plan for `guests` of them. */
static inline size_t plan_size(uint32_t guests)
{
    return offsetof(struct plan, guests) + guests * sizeof(struct plan_guest);
}

/*
 * Makes the plan or reports why not. Cores: exact lists first, then counts from the lowest free
 * core, in file order; threads of one core never to different owners, unless the file says so.
 * Memory: largest guests first, first fit in the node of its cores, else anywhere. Returns true
 * when all fits. `config` is one that config_parse() accepted; it and `machine` must outlive the
 * plan, for which there are plan_size(config->guest_count) bytes.
 */
MUST_CHECK bool plan_make(struct plan *plan, const struct config *config,
                          const struct machine *machine, struct errors *report);

/*
 * What plan_make() promises, checked once more by other means before the plan is carried out:
 * memory aligned, inside the machine's free ranges, off what the hypervisor keeps and apart, but
 * for what guests share; no core twice; every piece of an image inside its guest's RAM. False is
 * our own bug.
 */
MUST_CHECK bool plan_valid(const struct plan *plan, const struct machine *machine);

/* A guest has this function; or it is the bridge that resets what a guest has. */
bool plan_has_device(const struct plan *plan, const struct pci_entry *entry);
bool plan_resets_by(const struct plan *plan, const struct pci_entry *bridge);

/* The pages of the function's MSI-X table, if it can be shown to a guest: it lies in one BAR, and
 * in no page with another; else size 0. */
struct range plan_device_table(const struct pci_entry *entry);

/* The plan as a table, with nodes where the machine has more than one. */
void plan_print(const struct plan *plan, const struct machine *machine, log_sink say);
