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

#define ACPI_CORES_MAX   512
#define ACPI_IOAPICS_MAX 16
#define ACPI_ECAMS_MAX   16
#define ACPI_IOMMUS_MAX  16
#define ACPI_NODES_MAX   64
#define ACPI_NEAR_MAX    64

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
    hpa_t address; /* of its registers, one page at least */
    uint16_t segment;
    bool amd;  /* AMD-Vi; else VT-d */
    bool rest; /* VT-d: for all functions that no other unit names */
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
    uint32_t reserved_count; /* ranges that the firmware keeps for devices: RMRR, IVMD */
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

/* The node of a core; 0 where nothing is known. */
static inline uint32_t acpi_node_of(const struct acpi_info *info, uint32_t apic_id)
{
    for (uint32_t i = 0; i < info->core_count; i++)
        if (info->cores[i].apic_id == apic_id)
            return info->core_nodes[i];
    return 0;
}
