/* SPDX-License-Identifier: MIT */
/*
 * quiesce: silences what the firmware left running. Guests take interrupts straight from their own
 * APIC, so an interrupt line left enabled at the 8259 or an I/O APIC would reach some guest.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci_list.h"

/* On the firmware's page tables: the IOAPICs are reached through its identity map. */
void quiesce_interrupts(const struct acpi_info *acpi);

/*
 * Takes bus mastering from all PCI functions, but with `has_screen` not from displays, and masks
 * the ISA bus's DMA channels: no guest has a device, and what the firmware left running must not
 * write to memory. Says how many there were, and puts down in `found` what they are. Segments
 * behind the first are reached if the firmware's page tables map their configuration space.
 * Returns where that of segment 0 begins in memory, for bus 0; 0: it is not there, or not what
 * MCFG says.
 */
hpa_t quiesce_devices(const struct acpi_info *acpi, bool has_screen, struct pci_list *found);
