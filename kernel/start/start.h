/* SPDX-License-Identifier: MIT */
/*
 * start: what the steps from the loader's jump to running guests hand to each other.
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"
#include "drivers/iommu/iommu.h"
#include "drivers/lapic_timer.h"
#include "drivers/tsc.h"
#include "kernel/plan/machine.h"
#include "lib/types.h"
#include "mm/host.h"
#include "mm/pages.h"

struct start_state {
    const struct boot_info *info; /* not readable any more after address_space_create() */
    hpa_t low_page;
    uint64_t stamps[BOOT_STAMP_COUNT];
    uint64_t seconds;                /* since 1970-01-01 UTC, at the first stamp; 0: not known */
    char config_name[BOOT_NAME_MAX]; /* of the file that was chosen in the loader */
    struct acpi_info acpi;
    hpa_t ecam; /* configuration space of PCI segment 0 in memory, bus 0; 0: there is none */
    struct iommu *iommu; /* NULL: there is none that can be used */
    struct tsc tsc;
    struct pages pages;
    struct host_map map;
    struct host_map runtime; /* for calls of the firmware; where has_runtime */
    bool has_runtime;
    bool tries_next;     /* this boot is the one try of \bulkhead\next\ */
    uint64_t worst_skew; /* in TSC ticks: no other core's TSC is further from the boot core's */
    bool x2apic;
    bool surveys; /* there is no configuration */
    bool can_run; /* guests: all cores have answered, and nothing that is needed is missing */
    struct lapic_timer timer;          /* all zero without x2APIC */
    const struct vcpuid_policy *cpuid; /* of this processor; NULL: this machine runs no guests */
    struct machine machine;            /* what there is for guests */
};
