/* SPDX-License-Identifier: MIT */
/*
 * config: the text of bulkhead.conf → struct config. Describes only what the text says; whether the
 * machine can satisfy it is the plan's job. Pure; also built into plancheck. The language is
 * described in docs/config.md.
 */
#pragma once

#include "kernel/config/errors.h"
#include "lib/types.h"

#define GUESTS_MAX        32
#define GUEST_NAME_MAX    16 /* with the NUL; letters, digits, - and _, starting with a letter */
#define FILE_NAME_MAX     64 /* with the NUL */
#define CMDLINE_MAX       1024
#define DISKS_MAX         4 /* of a guest */
#define LINKS_MAX         16
#define LINK_SIDES_MAX    16  /* guests that a link joins */
#define GUEST_LINKS_MAX   4   /* of a guest */
#define GUEST_CABLES_MAX  1   /* the same */
#define GUEST_DEVICES_MAX 8   /* PCI functions of a guest */
#define CORES_MAX         512 /* cores of the machine that Bulkhead uses at most */
#define GUEST_CORES_MAX   64  /* of a guest */
#define CONFIG_SIZE_MAX   (64 * KIB)

#define GUEST_MEMORY_MIN (1 * MIB)
#define GUEST_MEMORY_MAX                                                     \
    (64 * 1024 * GIB) /* no machine has more; keeps later sums from wrapping \
                       */

#define LINK_MEMORY_MIN (4 * KIB)
#define LINK_MEMORY_MAX (512 * MIB) /* of a link, ... */
#define GUEST_LINKS_MEMORY \
    (992 * MIB) /* ... and of all links of a guest: what a PC has for devices below 4 GiB */

#define TRACE_MIN 32 /* exits; a power of two, ... */
#define TRACE_MAX 1024

#define TIMEOUT_DEFAULT 5 /* seconds */
#define TIMEOUT_MAX     3600

/* What the hypervisor does with a guest that crashed. */
enum crash_action { CRASH_STOP, CRASH_RESTART, CRASH_REBOOT };

/* ... and with one that switched itself off. */
enum poweroff_action { POWEROFF_STOP, POWEROFF_RESTART, POWEROFF_REBOOT };

/* ... and when a device of its tries what the IOMMU refuses. */
enum dma_fault_action { DMA_FAULT_REPORT, DMA_FAULT_STOP /* as if it had crashed */ };

/* What of a guest confirms a set of files that is tried (kernel/config/next.h). */
enum confirm_by {
    CONFIRM_BY_OPERATOR, /* nothing: the operator's command, which always does */
    CONFIRM_BY_POWEROFF, /* with code 0 */
    CONFIRM_BY_WATCHDOG, /* its first watchdog call */
};

/* Hybrid processors have both. */
enum core_kind { CORE_PLAIN, CORE_PERFORMANCE, CORE_EFFICIENCY, CORE_KINDS };

struct config_cores {
    uint32_t line;
    bool exact;                     /* a list of exact cores, else a count */
    bool by_kind;                   /* ... of each kind */
    uint32_t of[CORE_KINDS];        /* these, of a kind that has a name */
    uint32_t count;                 /* 1..GUEST_CORES_MAX, of all; also the length of the list */
    uint32_t list[GUEST_CORES_MAX]; /* core numbers as the boot log prints them, no duplicates */
};

/* A file that is the guest's persistent memory. */
struct config_disk {
    char file[FILE_NAME_MAX];
    uint32_t line;
    bool read_only;
    bool fresh; /* as in the file at the start of each life, else kept until power-off */
};

#define DEVICE_NUMBER_MAX 256

/* A PCI function that the guest has to itself. What is given of it has to fit the machine's. */
struct config_device {
    char text[24]; /* as the file has it, cut off */
    char kind[12]; /* a word of drivers/pci/pci_words.h; empty: not given */
    bool by_id, by_place;
    uint16_t vendor, device;     /* by_id */
    uint8_t bus, slot, function; /* by_place; in segment 0 */
    uint32_t number;             /* it is this one of those that fit, from 1; 0: the only one */
};

/* Every `..._line` is that of the key, or of the section's header where the key is not given. */
struct config_guest {
    char name[GUEST_NAME_MAX];
    uint32_t line; /* of the section header */
    struct config_cores cores;
    uint64_t memory; /* bytes, a multiple of 4 KiB, GUEST_MEMORY_MIN..GUEST_MEMORY_MAX */
    uint32_t memory_line;
    char image[FILE_NAME_MAX];
    uint32_t image_line;
    char initrd[FILE_NAME_MAX]; /* empty: none */
    uint32_t initrd_line;
    uint32_t disk_count;
    struct config_disk disks[DISKS_MAX];
    uint32_t device_count;
    struct config_device devices[GUEST_DEVICES_MAX];
    uint32_t devices_line;
    char cmdline[CMDLINE_MAX];
    uint32_t cmdline_line;
    enum poweroff_action on_poweroff;
    uint64_t watchdog_ns; /* the guest has to call in more often than this; 0: no watchdog */
    bool watchdog_each;   /* ... each of its cores */
    uint32_t trace;       /* exits that each of its cores keeps with registers; 0: none */
    enum confirm_by confirms;
    enum crash_action on_crash;
    uint32_t restarts; /* CRASH_RESTART: at most so many; UINT32_MAX: without end */
    bool is_debugged;  /* by who is at the machine's second serial port; one guest at most */
    uint32_t debug_line;
    enum dma_fault_action on_dma_fault;
};

/* A guest at one of the ends of a link. */
struct config_side {
    char name[GUEST_NAME_MAX]; /* as the link's section has it */
    uint32_t guest;            /* index of that guest */
    bool read_only;
};

/* What guests share. Sides are numbered in the order of the file. */
struct config_link {
    char name[GUEST_NAME_MAX]; /* of the same letters as a guest's */
    uint32_t line;             /* of the section header */
    uint32_t side_count;       /* 2..LINK_SIDES_MAX, each another guest */
    struct config_side sides[LINK_SIDES_MAX];
    uint32_t sides_line;
    uint64_t memory; /* bytes, a power of two, LINK_MEMORY_MIN..LINK_MEMORY_MAX; 0: no window */
    uint32_t memory_line;
    bool serial; /* a null-modem cable as well, between its two sides */
    uint32_t serial_line;
};

struct config_machine {
    bool serial;           /* the console goes to a serial port ... */
    bool screen;           /* ... and to the screen; both when the key is not given */
    uint32_t console_line; /* 0: not given */
    uint16_t serial_port;  /* I/O port; 0: the firmware's (SPCR), else COM1 */
    uint32_t serial_baud;  /* 0: as the firmware left it, else 115200 */
    bool reserve_given;
    uint32_t reserve; /* cores kept for the monitor */
    uint32_t reserve_line;
    bool threads_shared; /* threads of one core may belong to different guests */
    bool tsc_trusted;    /* the TSC is invariant, whether the processor promises it or not */
    bool panic_reboots;  /* after a panic of ours the machine is reset, and not only halted */
    bool guests_trusted; /* not to end the machine by what only large leaves let them do */
    uint32_t timeout;    /* seconds that the loader's menu waits; the hypervisor does not look */
};

/* Large: static, never on a hypervisor stack. */
struct config {
    struct config_machine machine;
    uint32_t guest_count;
    struct config_guest guests[GUESTS_MAX];
    uint32_t link_count;
    struct config_link links[LINKS_MAX];
};

/*
 * Parses `size` bytes of text (any bytes: the text is untrusted and need not end with a newline).
 * Every error goes to `report` with its line; returns true when there was none. `config` keeps no
 * pointer into `text`.
 */
MUST_CHECK bool config_parse(struct config *config, const char *text, size_t size,
                             struct errors *report);
