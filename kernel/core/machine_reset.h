/* SPDX-License-Identifier: MIT */
/* machine_reset: resets the machine, whatever state it is in. ACPI "Reset Register". */
#pragma once

#include "drivers/acpi/acpi.h"
#include "lib/types.h"

/* Keeps what it needs of the tables. Boot core. */
void machine_reset_init(const struct acpi_info *acpi);

/* Needs no lock and no console. Any core; comes back only where nothing works. */
void machine_reset(void);
