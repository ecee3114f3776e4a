/* SPDX-License-Identifier: MIT */
/*
 * machine_devices: the machine's serial ports, IOMMUs and PCI functions, as lines of the boot log.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci_list.h"
#include "lib/log.h"

/* Reads the registers of IOMMUs that the firmware's page tables map: before we leave those. What
 * the firmware left on is said: it can only be the first thing that passthrough stumbles over. */
void machine_devices(const struct pci_list *list, const struct acpi_info *acpi, log_sink say);
