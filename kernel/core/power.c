/* SPDX-License-Identifier: MIT */
#include "kernel/core/power.h"

#include "kernel/console/console.h"
#include "kernel/core/machine_reset.h"
#include "kernel/core/panic.h"
#include "lib/log.h"
#include "lib/x86/insn.h"

#define PM1_SLP_EN   0x2000u
#define PM1_SLP_TYP  0x1c00u
#define PM1_SCI_EN   0x0001u
#define ENABLE_POLLS 100000
#define OFF_POLLS    3000000 /* some 1 us each: power goes a while after it was asked to */

/* Bochs takes a power-off as this word, byte by byte, on this port; nothing else listens there. It
 * is known by its debug port, which reads as its own number. */
#define BOCHS_DEBUG_PORT    0xe9
#define BOCHS_SHUTDOWN_PORT 0x8900

#define READ_SECONDS 30

static SEALED struct acpi_info power_acpi;

void power_init(const struct acpi_info *acpi)
{
    power_acpi = *acpi;
}

/* "SMI_CMD" and "ACPI_ENABLE": the sleep register works in ACPI mode only. */
static void power_enable_acpi(void)
{
    if (power_acpi.smi_port == 0 || in16(power_acpi.pm1a_control) & PM1_SCI_EN)
        return;
    out8(power_acpi.smi_port, power_acpi.acpi_enable);
    for (uint32_t i = 0; i < ENABLE_POLLS; i++) {
        if (in16(power_acpi.pm1a_control) & PM1_SCI_EN)
            return;
        cpu_pause();
    }
}

/* With nothing but a screen, what was said last would be gone before anybody has read it. */
static void power_wait_for_reader(void)
{
    if (console_has_serial())
        return;
    log_line("powering off in %u seconds; press a key to do it now", READ_SECONDS);
    console_flush();
    console_wait_for_key(READ_SECONDS);
}

/* "PM1 Control Registers": what else is in them is the firmware's and stays as it is. The type goes
 * first: some chipsets miss one that comes with the enabling bit. */
static void power_sleep(uint16_t port, uint8_t type)
{
    const uint32_t kept = in16(port) & ~(PM1_SLP_TYP | PM1_SLP_EN);
    const uint32_t wanted = kept | ((uint32_t)type << 10 & PM1_SLP_TYP);

    out16(port, (uint16_t)wanted);
    out16(port, (uint16_t)(wanted | PM1_SLP_EN));
}

void power_off(void)
{
    power_wait_for_reader();
    power_off_now();
}

void power_off_now(void)
{
    console_flush();
    if (in8(BOCHS_DEBUG_PORT) == BOCHS_DEBUG_PORT) {
        for (const char *c = "Shutdown"; *c; c++)
            out8(BOCHS_SHUTDOWN_PORT, (uint8_t)*c);
    }
    if (power_acpi.has_power_off) {
        power_enable_acpi();
        power_sleep(power_acpi.pm1a_control, power_acpi.s5_type_a);
        if (power_acpi.pm1b_control)
            power_sleep(power_acpi.pm1b_control, power_acpi.s5_type_b);
        for (uint32_t i = 0; i < OFF_POLLS; i++)
            (void)in16(power_acpi.pm1a_control);
    }
    log_line("cannot switch this machine off; it is now safe to do so by hand");
    console_flush();
    panic_stop_core();
}

void power_reset(void)
{
    console_flush();
    machine_reset();
    panic_stop_core();
}
