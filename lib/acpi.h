/* SPDX-License-Identifier: MIT */
/*
 * acpi: the tables that Bulkhead reads of the firmware (drivers/acpi) and writes for its guests
 * (kernel/image/image_acpi.c). Structure and field names as in the ACPI Specification 6.3, "ACPI
 * Software Programming Model".
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

/* "Root System Description Pointer (RSDP) Structure". */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first RSDP_V1_SIZE bytes */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt; /* 0: only the XSDT */
    /* from revision 2 on */
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum; /* of all bytes */
    uint8_t reserved[3];
} PACKED;
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI: RSDP");

#define RSDP_V1_SIZE offsetof(struct acpi_rsdp, length)
_Static_assert(RSDP_V1_SIZE == 20, "ACPI: RSDP, ACPI 1.0 part");

/* "System Description Table Header". */
struct acpi_header {
    char signature[4];
    uint32_t length; /* of the whole table, bytes */
    uint8_t revision;
    uint8_t checksum; /* makes the sum of all bytes 0 */
    uint8_t oem[26];
} PACKED;
_Static_assert(sizeof(struct acpi_header) == 36, "ACPI: table header");

/* "Generic Address Structure (GAS)". */
struct acpi_gas {
    uint8_t space;
    uint8_t width, offset, access;
    uint64_t address;
} PACKED;
_Static_assert(sizeof(struct acpi_gas) == 12, "ACPI: GAS");

#define GAS_MEMORY      0 /* space */
#define GAS_IO          1
#define GAS_ACCESS_BYTE 1

/* Revision 6. Older ones end earlier; a hardware-reduced platform has 0 in most. */
struct acpi_fadt {
    struct acpi_header header;
    uint32_t firmware_control;
    uint32_t dsdt;
    uint8_t reserved, profile;
    uint16_t sci_interrupt;
    uint32_t smi_command;
    uint8_t acpi_enable, acpi_disable, s4bios, pstate;
    uint32_t pm1a_event, pm1b_event;
    uint32_t pm1a_control, pm1b_control;
    uint8_t unused[37];
    uint16_t boot_arch;
    uint8_t reserved1;
    uint32_t flags;
    struct acpi_gas reset;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor;
    uint64_t x_firmware_control;
    uint64_t x_dsdt;
    struct acpi_gas x_pm1a_event, x_pm1b_event;
    struct acpi_gas x_pm1a_control, x_pm1b_control;
    struct acpi_gas unused2[4];
    struct acpi_gas sleep_control, sleep_status;
    uint64_t hypervisor;
} PACKED;
_Static_assert(offsetof(struct acpi_fadt, smi_command) == 48, "ACPI: FADT");
_Static_assert(offsetof(struct acpi_fadt, pm1a_control) == 64, "ACPI: FADT");
_Static_assert(offsetof(struct acpi_fadt, boot_arch) == 109, "ACPI: FADT, IAPC_BOOT_ARCH");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112, "ACPI: FADT");
_Static_assert(offsetof(struct acpi_fadt, reset_value) == 128, "ACPI: FADT");
_Static_assert(offsetof(struct acpi_fadt, x_dsdt) == 140, "ACPI: FADT");
_Static_assert(offsetof(struct acpi_fadt, x_pm1a_control) == 172, "ACPI: FADT");
_Static_assert(sizeof(struct acpi_fadt) == 276, "ACPI: FADT");

#define FADT_V1_SIZE       offsetof(struct acpi_fadt, reset)
#define FADT_WBINVD        BIT32(0)
#define FADT_POWER_BUTTON  BIT32(4) /* not a fixed one */
#define FADT_SLEEP_BUTTON  BIT32(5) /* same */
#define FADT_RESET         BIT32(10)
#define FADT_PHYSICAL_APIC BIT32(19) /* no logical destinations, so no clusters of cores */
#define FADT_HW_REDUCED    BIT32(20) /* then there are no PM1 registers */

/* What stands between the MADT's header and its entries. */
struct acpi_madt {
    struct acpi_header header;
    uint32_t lapic_address;
    uint32_t flags;
} PACKED;
_Static_assert(sizeof(struct acpi_madt) == 44, "ACPI: MADT");

enum madt_type { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_X2APIC = 9 };

struct madt_x2apic {
    uint8_t type, length, reserved[2];
    uint32_t apic_id;
    uint32_t flags;
    uint32_t processor; /* its _UID */
} PACKED;
_Static_assert(sizeof(struct madt_x2apic) == 16, "ACPI: Processor Local x2APIC Structure");

/* "Local APIC Flags". Online-capable without enabled is a socket that something may be plugged
 * into later: not a core that could be started. */
#define MADT_ENABLED BIT32(0)
