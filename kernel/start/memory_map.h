/* SPDX-License-Identifier: MIT */
/*
 * memory_map: which parts of the firmware's memory map we trust: what guests may get, and whether
 * an address that another table names is in it. The list is sorted and disjoint (boot_info.h), but
 * its contents may be wrong. Pure.
 */
#pragma once

#include "boot/boot_info.h"
#include "drivers/acpi/acpi.h"
#include "kernel/plan/plan.h"
#include "lib/types.h"

#define RAM_LOW_END MIB /* left alone below: real-mode leftovers, our trampoline */

/* Rows that stay empty: taking a piece out of a row may leave two. */
#define RAM_ROWS_SPARE 8

struct ram_list {
    const struct boot_range *ranges;
    uint32_t count;
    uint32_t physical_bits; /* of the processor's addresses */
};

/*
 * Fills machine->ranges with what is free above RAM_LOW_END and below the end of the processor's
 * address space; of more pieces than fit, the largest. Says in a line each what is left out.
 */
void memory_map_find(struct machine *machine, const struct ram_list *list);

/* All of `where` can be read as memory, firmware tables included. */
MUST_CHECK bool memory_map_readable(const struct ram_list *list, struct range where);

/* Removes, and names, every I/O APIC whose registers would lie in memory: writing to them would
 * change it. */
void memory_map_check_ioapics(struct acpi_info *acpi, const struct ram_list *list);

/* The same for the configuration spaces of PCI segments, and for IOMMUs. */
void memory_map_check_ecams(struct acpi_info *acpi, const struct ram_list *list);
void memory_map_check_iommus(struct acpi_info *acpi, const struct ram_list *list);

/* Notes which ranges that the firmware reserves for devices are nobody else's memory. */
void memory_map_check_reserved(struct acpi_info *acpi, const struct ram_list *list);

/* The registers of all buses of it. */
struct range memory_map_ecam(const struct acpi_ecam *ecam);

/* Notes of functions whose registers would lie in memory that no guest can have them. */
void memory_map_check_functions(struct pci_list *functions, const struct ram_list *list);

/* The same of a reset register in memory. */
void memory_map_check_reset(struct acpi_info *acpi, const struct ram_list *list);

/* Fills machine->near[]: which memory, free or not, is near to which node's cores. */
void memory_map_near(struct machine *machine, const struct acpi_info *acpi);
