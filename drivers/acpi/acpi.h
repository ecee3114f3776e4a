/* SPDX-License-Identifier: MIT */
/*
 * acpi: the firmware's tables, read as untrusted input: every length, checksum and entry size is
 * checked before use, walks are bounded, a broken table is ignored and named. Reads physical
 * memory only through the caller's function, so that it is pure and host-tested.
 * ACPI Specification: "Root System Description Pointer (RSDP)", "Multiple APIC Description Table
 * (MADT)", "Fixed ACPI Description Table (FADT)", "System Resource Affinity Table (SRAT)"; "Serial
 * Port Console Redirection Table (SPCR)"; PCI Firmware Specification "MCFG Table Description";
 * Intel Virtualization Technology for Directed I/O "BIOS Considerations"; AMD I/O Virtualization
 * Technology (IOMMU) Specification "I/O Virtualization ACPI Table".
 */
#pragma once

#include "lib/types.h"

#define ACPI_CORES_MAX    512
#define ACPI_IOAPICS_MAX  16
#define ACPI_ECAMS_MAX    16
#define ACPI_IOMMUS_MAX   16
#define ACPI_RESERVED_MAX 32
#define ACPI_SCOPES_MAX   512
#define ACPI_PATH_MAX     8
#define ACPI_NODES_MAX    64
#define ACPI_NEAR_MAX     64

/*
 * Gives `size` readable bytes at physical `address`, valid until the next call, or NULL when they
 * are not readable memory. (The hypervisor: identity map, checked against the memory map.)
 * Never asked for 0 or for more than ACPI_COPY_MAX bytes, nor for a range that wraps; the bytes are
 * copied once and not looked at again.
 */
#define ACPI_COPY_MAX 512

struct acpi_memory {
    const void *(*at)(void *context, hpa_t address, uint64_t size);
    void *context;
};

/* A core that can be started now. */
struct acpi_core {
    uint32_t apic_id;
};

struct acpi_ioapic {
    hpa_t address; /* of its registers, one page */
};

/* Configuration space in memory: 1 MiB for each bus. */
struct acpi_ecam {
    hpa_t address; /* of bus 0, even if that is not the first */
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

#define ACPI_ECAM_BUS MIB

/* A unit that translates what devices send. */
struct acpi_iommu {
    hpa_t address; /* of its registers: acpi_iommu_size() bytes */
    uint16_t segment;
    bool amd;      /* AMD-Vi; else VT-d */
    bool rest;     /* VT-d: for all functions that no other unit names */
    uint8_t form;  /* AMD-Vi: the type of its description, of which the highest counts */
    uint8_t flags; /* AMD-Vi: "IVHD Flags" */
};

/* Memory that the firmware keeps for devices: RMRR, IVMD. */
struct acpi_reserved {
    uint64_t base, size; /* whole pages */
    uint16_t segment;
    bool apart; /* none of it is memory that anybody else has; not known to ACPI */
};

enum acpi_scope_kind {
    ACPI_SCOPE_FUNCTION, /* DMAR: the function at the end of the path */
    ACPI_SCOPE_BRIDGE,   /* DMAR: that, which is a bridge, and all below it */
    ACPI_SCOPE_IDS,      /* IVRS: the functions with ids from `first` to `last` */
    ACPI_SCOPE_IOAPIC,   /* as _FUNCTION or _IDS */
    ACPI_SCOPE_HPET,
};

/* Functions that a unit, or a range of reserved memory, is for. An id is that of a request: bus in
 * 15:8, device in 7:3, function in 2:0. */
struct acpi_scope {
    enum acpi_scope_kind kind;
    bool reserved; /* `of` is a row of reserved[]; else of iommus[] */
    uint8_t of;
    uint8_t bus;   /* DMAR: that the path begins on */
    uint8_t steps; /* DMAR: of the path, 1..ACPI_PATH_MAX; 0: IVRS */
    uint8_t
        path[ACPI_PATH_MAX]; /* DMAR: device in 7:3, function in 2:0, a bridge each but the last */
    uint16_t first, last;    /* IVRS: ids, first <= last */
    bool has_alias;
    uint16_t alias; /* IVRS: the id that their requests carry */
};

/* Memory that is near to the cores of one node, whole pages. */
struct acpi_near {
    uint64_t base, size;
    uint32_t node; /* < node_count */
};

struct acpi_info {
    /* MADT */
    uint32_t core_count; /* enabled ones, in MADT order, no duplicates */
    struct acpi_core cores[ACPI_CORES_MAX];
    uint32_t ioapic_count;
    struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
    /* FADT */
    bool has_power_off;    /* PM1a control block and \_S5 found */
    uint16_t pm1a_control; /* I/O port; 0: none */
    uint16_t pm1b_control; /* I/O port; 0: none */
    uint8_t s5_type_a;     /* SLP_TYPa for S5, 0..7 */
    uint8_t s5_type_b;
    uint16_t smi_port;   /* I/O port; 0: always in ACPI mode */
    uint8_t acpi_enable; /* to be written there while SCI_EN (PM1a control, bit 0) is clear */
    bool has_reset;
    uint16_t reset_port; /* I/O port; 0: none, then ... */
    hpa_t reset_memory;  /* ... it is this byte */
    uint8_t reset_value;
    /* SPCR */
    bool has_serial;
    uint16_t serial_port; /* I/O port */
    uint32_t serial_baud; /* 0: as is */
    /* MCFG */
    uint32_t ecam_count;
    struct acpi_ecam ecams[ACPI_ECAMS_MAX];
    /* DMAR or IVRS */
    uint32_t iommu_count;
    struct acpi_iommu iommus[ACPI_IOMMUS_MAX];
    bool iommu_doubt;     /* that table is broken, or more than fits: what is here may not be all */
    bool iommu_no_x2apic; /* DMAR: the firmware asks to leave x2APIC mode alone */
    bool iommu_remaps;    /* DMAR: the firmware offers interrupt remapping; AMD-Vi always has it */
    uint32_t reserved_count;
    struct acpi_reserved reserved[ACPI_RESERVED_MAX];
    uint32_t scope_count;
    struct acpi_scope scopes[ACPI_SCOPES_MAX];
    /* SRAT */
    uint32_t node_count;                /* 2 or more; 0: all memory is as near to every core */
    uint32_t domains[ACPI_NODES_MAX];   /* proximity domain of each node, ascending */
    uint8_t core_nodes[ACPI_CORES_MAX]; /* the node of each of `cores` */
    uint32_t near_count;
    struct acpi_near near[ACPI_NEAR_MAX]; /* sorted, disjoint */
};

/* Fills `info` with all that is sound; logs one line for each table that is not. Returns false
 * when no root table or no MADT with a usable core could be read (then core_count is 0). */
MUST_CHECK bool acpi_read(struct acpi_info *info, const struct acpi_memory *memory, hpa_t rsdp);

/* Bytes of a unit's registers that we use. */
static inline uint64_t acpi_iommu_size(const struct acpi_iommu *unit)
{
    return unit->amd ? 4 * PAGE_SIZE : PAGE_SIZE;
}

/* Takes a unit out of the list, which makes doubtful who its devices' unit is. */
void acpi_iommu_drop(struct acpi_info *info, uint32_t unit);

/* The node of a core; 0 where nothing is known. */
static inline uint32_t acpi_node_of(const struct acpi_info *info, uint32_t apic_id)
{
    for (uint32_t i = 0; i < info->core_count; i++)
        if (info->cores[i].apic_id == apic_id)
            return info->core_nodes[i];
    return 0;
}
