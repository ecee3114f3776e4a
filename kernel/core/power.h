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

/* Once the TSC's rate is known. */
void power_set_tick_rate(uint64_t tsc_hz);

/* Brings the console's text out first. Any core. */
NORETURN void power_off(void);
NORETURN void power_reset(void);
