/* SPDX-License-Identifier: MIT */
/*
 * image_acpi: the platform that a guest's operating system finds through ACPI, and the reset code
 * at the end of the first MiB. The smallest "hardware-reduced" platform: cores with x2APICs, a
 * PCI bus with a UART on it, power-off and reset; nothing else. ACPI Specification 6.3. Pure.
 *
 *   0xe0000  RSDP, XSDT, FADT, MADT, DSDT
 *   0xffff0  code that resets the guest, for kernels that jump to where a PC's BIOS would be
 */
#pragma once

#include "kernel/config/config.h"
#include "lib/types.h"

#define ACPI_TABLES_AT UINT64_C(0xe0000)
#define RESET_CODE_AT  UINT64_C(0xffff0) /* F000:FFF0, the processor's reset vector in real mode */

/* Fixed part and what each core adds: 16 bytes in the MADT, 30 of AML. */
#define ACPI_TABLES_MAX (1024 + GUEST_CORES_MAX * 46)

struct image_acpi {
    uint32_t size; /* bytes used */
    ALIGNED(8) uint8_t bytes[ACPI_TABLES_MAX];
};

/* `apic_ids` has `count` entries, at most GUEST_CORES_MAX, the boot core's first. The RSDP comes
 * first.
 */
void image_acpi_build(struct image_acpi *acpi, const uint32_t *apic_ids, uint32_t count);

/* What belongs at RESET_CODE_AT. */
extern const uint8_t image_reset_code[];
extern const uint32_t image_reset_code_size;
