/* SPDX-License-Identifier: MIT */
/*
 * end_power: every way of a guest to end or restart itself. None of them is the machine's.
 */
#include "guests/hostile/endings.h"
#include "guests/kit/bulkhead.h"
#include "lib/x86/insn.h"

static void keyboard_reset(void)
{
    out8(0x64, 0xfe);
}

static void port_92(void)
{
    out8(0x92, 1);
}

static void port_cf9(void)
{
    out8(0xcf9, 6);
}

static void acpi_reset(void)
{
    out8(0x602, 1);
}

static void acpi_sleep(void)
{
    out8(0x600, 0x34);
}

static void call_restart(void)
{
    bulkhead_restart();
}

static void call_power_off(void)
{
    bulkhead_power_off(255);
}

const struct ending endings_power[] = {
    {"IO-03", "keyboard-reset", keyboard_reset},
    {"IO-03", "port-92", port_92},
    {"IO-03", "port-cf9", port_cf9},
    {"IO-03", "acpi-reset", acpi_reset},
    {"IO-03", "acpi-sleep", acpi_sleep},
    {"X-06", "call-restart", call_restart},
    {"X-06", "call-power-off", call_power_off},
    {NULL, NULL, NULL},
};

const struct ending *const ending_tables[] = {
    endings_memory, endings_events, endings_modes, endings_msix, endings_power, endings_wide, NULL};
