/* SPDX-License-Identifier: MIT */
/*
 * boot: from what the loader and the firmware left to a machine of our own: boot_info checked,
 * tables read, devices quiet, memory taken, cores started. Boot core only.
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"
#include "drivers/tsc.h"
#include "kernel/plan/plan.h"
#include "lib/types.h"
#include "mm/host.h"
#include "mm/pages.h"

struct boot_state {
    const struct boot_info *info; /* not readable any more after boot_take_memory() */
    hpa_t low_page;
    uint64_t stamps[BOOT_STAMP_COUNT];
    uint64_t seconds; /* since 1970-01-01 UTC, at the first stamp; 0: not known */
    struct acpi_info acpi;
    struct tsc tsc;
    struct pages pages;
    struct host_map map;
    bool x2apic;
    struct machine machine; /* what there is for guests */
};

/* False, after saying why, when the loader and this hypervisor do not belong together. */
MUST_CHECK bool boot_check(const struct boot_info *info);

/* From now on lines are kept for the next boot; says whether the previous one left some. */
void boot_keep_log(const struct boot_info *info);

/* Reads ACPI, sets the console up as the firmware describes it, silences the interrupt
 * controllers. On the firmware's page tables. */
void boot_read_firmware(struct boot_state *boot, const struct boot_info *info);

/* Takes the page pool and builds core 0's address space; fills machine.ranges and .modules. */
MUST_CHECK bool boot_take_memory(struct boot_state *boot);

/*
 * Last: what is not needed any more is unmapped, what does not change any more becomes read-only.
 * Every other core calls host_flush_tlb() before it runs a guest.
 */
MUST_CHECK enum status boot_seal(struct boot_state *boot);

/* Starts all cores that ACPI lists; fills machine.apic_ids. False: no memory even for this one. */
MUST_CHECK bool boot_start_cores(struct boot_state *boot);
