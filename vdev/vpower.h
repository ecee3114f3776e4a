/* SPDX-License-Identifier: MIT */
/*
 * vpower: the ports by which a guest switches itself off or starts itself again. First the block
 * that the guest's ACPI tables name (kernel/image/image_acpi.c), then the places where PC software
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

/* Write-only, and only as bytes: the keyboard controller's command "pulse reset", port A, the PCI
 * reset. */
#define VPOWER_KEYBOARD  0x64
#define VPOWER_PORT_A    0x92
#define VPOWER_PCI_RESET 0xcf9

/* What a port access means for the whole guest. */
enum bus_event { BUS_NONE, BUS_TEXT /* maybe, for the console */, BUS_POWER_OFF, BUS_RESET };

/* What the bytes mean that do something, for the proofs (docs/proofs.md). */
/*@ predicate has_power(integer port) = VPOWER_SLEEP_CONTROL <= port <= VPOWER_RESET;
  @ predicate powers_off(integer port, integer value) =
  @   port == VPOWER_SLEEP_CONTROL && (value & 0x20) != 0 && (value & 0x1c) >> 2 == VPOWER_S5_TYPE;
  @ predicate chip_resets(integer port, integer value) = (port == 0x64 && value == 0xfe) ||
  @   (port == 0x92 && (value & 1) != 0) || (port == 0xcf9 && (value & 4) != 0);
  @ predicate resets(integer port, integer value, integer alone) =
  @   (port == VPOWER_RESET && value == VPOWER_RESET_VALUE) ||
  @   (alone != 0 && chip_resets(port, value));
  @*/

/* False: not a port of this device. */
/*@ requires \valid(value);
  @ assigns *value;
  @ ensures \result != 0 <==> has_power(port);
  @ ensures *value == (\result ? 0 : \old(*value));
  @*/
bool vpower_in(uint16_t port, uint8_t *value);

/* `alone`: a byte access. The byte-wide registers of a PC do not see wider ones. */
/*@ requires \valid(event);
  @ assigns *event;
  @ ensures \result != 0 <==> has_power(port) || (alone != 0 && chip_resets(port, value));
  @ ensures powers_off(port, value) ==> *event == BUS_POWER_OFF;
  @ ensures resets(port, value, alone) ==> *event == BUS_RESET;
  @ ensures !powers_off(port, value) && !resets(port, value, alone) ==> *event == \old(*event);
  @*/
bool vpower_out(uint16_t port, uint8_t value, bool alone, enum bus_event *event);
