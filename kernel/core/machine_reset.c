/* SPDX-License-Identifier: MIT */
#include "kernel/core/machine_reset.h"

#include "lib/x86/desc.h"
#include "lib/x86/insn.h"

#define KEYBOARD_COMMAND_PORT 0x64
#define KEYBOARD_RESET        0xfe
#define PCI_RESET_PORT        0xcf9
#define PCI_RESET_FULL        0x06

static SEALED uint16_t reset_port; /* 0: none */
static SEALED hpa_t reset_memory;  /* a byte's; 0: none */
static SEALED uint8_t reset_value;

void machine_reset_init(const struct acpi_info *acpi)
{
    if (acpi->has_reset) {
        reset_port = acpi->reset_port;
        reset_memory = hpa(reset_port == 0 ? acpi->reset_memory.v : 0);
        reset_value = acpi->reset_value;
    }
}

static void machine_reset_by_acpi(void)
{
    if (reset_port != 0)
        out8(reset_port, reset_value);
    else if (reset_memory.v != 0)
        *(volatile uint8_t *)(uintptr_t)reset_memory.v = reset_value;
}

void machine_reset(void)
{
    machine_reset_by_acpi();
    out8(PCI_RESET_PORT, PCI_RESET_FULL);
    out8(KEYBOARD_COMMAND_PORT, KEYBOARD_RESET);
    /* Last resort: a triple fault. */
    const struct table_register none = {0, 0};
    load_idtr(&none);
    __asm__ volatile("int3");
}
