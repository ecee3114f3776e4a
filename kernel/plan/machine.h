/* SPDX-License-Identifier: MIT */
/*
 * machine: what the machine has, as far as a plan depends on it.
 */
#pragma once

#include "drivers/pci/pci_list.h"
#include "kernel/config/config.h"
#include "kernel/config/folder.h"
#include "lib/types.h"
#include "mm/range.h"

#define MACHINE_RANGES_MAX  64
#define MACHINE_NEAR_MAX    64
#define MACHINE_MODULES_MAX FOLDER_MAX
#define MACHINE_OWN_MAX     (MACHINE_MODULES_MAX + 64)

/* A file that was read. */
struct machine_module {
    char name[FILE_NAME_MAX];
    const uint8_t *bytes;
    uint64_t size;      /* 0: empty, or not named by the configuration and so not read */
    struct range place; /* the pages it has to itself; zero behind its end */
    bool given;         /* ... which are free for the guest whose disk it is: modules_give() */
};

/* Memory, free or not, and the NUMA node that it is near to. */
struct machine_near {
    struct range where;
    uint32_t node;
};

struct machine {
    uint32_t core_count; /* cores that answered, 1..CORES_MAX; core 0 is the one that booted */
    uint32_t apic_ids[CORES_MAX];
    uint8_t kinds[CORES_MAX];  /* enum core_kind */
    uint32_t nodes[CORES_MAX]; /* NUMA node; 0 where the firmware does not say */
    uint32_t thread_bits; /* APIC ids that differ in so many low bits only: threads of one core */
    uint32_t tsc_apart;   /* a core whose TSC is not core 0's, proven at boot; 0: none */
    uint32_t range_count;
    struct range ranges[MACHINE_RANGES_MAX]; /* free RAM for guests: sorted, disjoint, 4 KiB */
    uint32_t near_count;                     /* 0: all memory is as near to every core */
    struct machine_near near[MACHINE_NEAR_MAX];
    uint32_t own_count; /* what the hypervisor keeps: its image, its pool, the files ... */
    struct range own[MACHINE_OWN_MAX];
    uint32_t module_count;
    struct machine_module modules[MACHINE_MODULES_MAX];
    char no_devices[96]; /* why no guest can have any of the machine's devices; empty: they can */
    uint64_t linux_tsc_khz;    /* what every Linux has to be told; 0: nothing */
    const char *linux_options; /* the same; NULL: nothing */
    bool has_screen;
    bool has_serial2;      /* something answers at COM2 */
    uint16_t console_port; /* the serial port that the firmware reports; 0: none */
    bool needs_monitor;    /* core 0 has to stay free: it watches guests' deadlines (vm/watch.c) */
    struct pci_list devices; /* PCI functions, whoever they belong to; last: machine_text_read() */
};
