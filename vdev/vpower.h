/* SPDX-License-Identifier: MIT */
/*
 * vpower: the ports by which a guest switches itself off or starts itself again. First the block
 * that the guest's ACPI tables name (kernel/image_acpi.c), then the places where PC software
 * resets a machine without asking any table. It only says what was asked for. Pure, no state.
 */
#pragma once

#include "lib/types.h"

/* ACPI Specification, "Sleep Control and Status Registers" and "Reset Register". */
#define VPOWER_SLEEP_CONTROL 0x600
#define VPOWER_SLEEP_STATUS  0x601
#define VPOWER_RESET         0x602
#define VPOWER_RESET_VALUE   1
#define VPOWER_S5_TYPE       5 /* what \_S5 in the DSDT has to say */

/* What a port access means for the whole guest. */
enum bus_event { BUS_NONE, BUS_TEXT /* maybe, for the console */, BUS_POWER_OFF, BUS_RESET };

/* False: not a port of this device. */
bool vpower_in(uint16_t port, uint8_t *value);

/* `alone`: a byte access. The byte-wide registers of a PC do not see wider ones. */
bool vpower_out(uint16_t port, uint8_t value, bool alone, enum bus_event *event);
