/* SPDX-License-Identifier: MIT */
/*
 * plan_parts: the steps of plan_make(), one file each. Only kernel/plan/plan_*.c include it. Each
 * step reports all its errors and continues, so that the next one's are reported as well.
 */
#pragma once

#include "kernel/plan/plan.h"

/* Reads plan->config, fills the fields of plan->guests[] that its name says. */
void plan_cores(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_disks(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_devices(struct plan *plan, const struct machine *machine, struct errors *report);
/* After plan_disks(): they have to have room, too. */
void plan_memory(struct plan *plan, const struct machine *machine, struct errors *report);
void plan_images(struct plan *plan, const struct machine *machine, struct errors *report);

/* ---- plan_kind.c ---- */

/* "P-", "E-" or nothing, before "cores". */
const char *plan_kind_prefix(uint32_t kind);

/* There would be enough cores, of both kinds together. */
void plan_kind_say_mixed(const struct config_guest *wish, uint32_t performance, uint32_t efficiency,
                         struct errors *report);

/* Reports wishes that do not go with the kinds that this machine has. */
void plan_kind_check(const struct plan *plan, const struct machine *machine, struct errors *report);

/* What a guest names in a line of the file. */
struct plan_file {
    const char *guest;
    const char *role; /* "image" */
    const char *name;
    uint32_t line;
};

/* ---- plan_files.c ---- */

/* The file's module, or NULL and an error. An empty file is as good as none. */
const struct machine_module *plan_find_file(const struct machine *machine,
                                            const struct plan_file *file, struct errors *report);

/* ---- plan_links.c ---- */

/* Enters links' windows, which are at `places`, into their guests' maps. */
void plan_links_place(struct plan *plan, const struct range *places);

/* ---- plan_devices.c ---- */

/* The BAR is of memory; the pages that it lies in. */
bool plan_device_is_memory(const struct pci_bar *bar);
struct range plan_device_pages(const struct pci_bar *bar);

/* ---- plan_devices_place.c ---- */

/* Bytes that stand in the place of the MSI-X tables of the guest's devices. */
uint64_t plan_devices_tables(const struct plan_guest *guest);

/* Enters the registers of the guest's devices behind the windows of its links; `tables` is where
 * plan_devices_tables() bytes are. */
void plan_devices_place(struct plan_guest *guest, hpa_t tables, struct errors *report);

/* ---- plan_disks.c ---- */

/* The memory that disk `d` takes beside the file's own: 0 where that is the disk. */
uint64_t plan_disk_copy(const struct plan_guest *guest, uint32_t d);

/* Enters the disks behind the guest's RAM; `copies` are the places for those that are copies. */
void plan_disks_place(struct plan_guest *guest, const struct range copies[DISKS_MAX]);
