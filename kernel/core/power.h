/* SPDX-License-Identifier: MIT */
/*
 * power: turns the machine off, or starts it again. ACPI "Transitioning from the Working to the
 * Soft Off State".
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "lib/types.h"

/* Keeps what it needs of the tables. Boot core. */
void power_init(const struct acpi_info *acpi);

/* Brings the console's text out first. Any core. */
NORETURN void power_off(void);

/* The same without time to read, where there is only a screen: it was given before. */
NORETURN void power_off_now(void);
NORETURN void power_reset(void);
