/* SPDX-License-Identifier: MIT */
/*
 * armour_devices: the interrupt controllers of the machine, ISA DMA and the configuration space of
 * PCI. Firmware leaves much of it as it should be; so everything is opened before it is silenced
 * (the link takes __wrap_quiesce_...() for quiesce_...()), or the look would prove nothing. Looks
 * at an I/O APIC through the window, where a PC has its first.
 */
#include "drivers/acpi/acpi.h"
#include "drivers/pci/pci_list.h"
#include "kernel/core/cores.h"
#include "lib/bits.h"
#include "lib/x86/insn.h"
#include "tests/hook/armour.h"

#define IOAPIC        0xfec00000
#define IOAPIC_PINS   24
#define IOAPIC_MASKED BIT32(16)

#define VECTOR_DIRT 0x55

static bool interrupts_opened, devices_opened;
static uint16_t dma_told[2]; /* where the two DMA controllers tell their masks */

void __real_quiesce_interrupts(const struct acpi_info *acpi);
void __wrap_quiesce_interrupts(const struct acpi_info *acpi);
hpa_t __real_quiesce_devices(const struct acpi_info *acpi, bool has_screen, struct pci_list *found);
hpa_t __wrap_quiesce_devices(const struct acpi_info *acpi, bool has_screen, struct pci_list *found);

/* The firmware's tables map everything. */
void __wrap_quiesce_interrupts(const struct acpi_info *acpi)
{
    volatile uint32_t *regs = (volatile uint32_t *)(uintptr_t)IOAPIC;

    out8(0x21, 0);
    out8(0xa1, 0);
    for (uint32_t pin = 0; pin < IOAPIC_PINS; pin++) {
        regs[0] = 0x10 + 2 * pin;
        regs[4] = VECTOR_DIRT;
    }
    interrupts_opened = true;
    __real_quiesce_interrupts(acpi);
}

static uint32_t config(uint32_t address)
{
    out32(0xcf8, BIT32(31) | address);
    return in32(0xcfc);
}

static bool is_device(uint32_t at)
{
    const uint32_t class = config(at + 8) >> 16;

    /* Displays are let go on; host and ISA bridges have no switch. */
    return (config(at) & 0xffff) != 0xffff && class >> 8 != 3 && class != 0x600 && class != 0x601;
}

/* Opens a DMA controller. Most tell their masks where all are written, some beside. */
static uint16_t dma_open(uint16_t all, uint16_t beside)
{
    out8(all, 0xf);
    const uint16_t told = (in8(all) & 0xf) == 0xf ? all : beside;
    const bool closed = (in8(told) & 0xf) == 0xf;

    out8(all, 0);
    return closed && (in8(told) & 0xf) == 0 ? told : 0;
}

hpa_t __wrap_quiesce_devices(const struct acpi_info *acpi, bool has_screen, struct pci_list *found)
{
    for (uint32_t at = 0; at < BIT32(24); at += BIT32(8)) {
        if (!is_device(at))
            continue;
        const uint32_t command = config(at + 4) & 0xffff;
        out32(0xcf8, BIT32(31) | (at + 4));
        out32(0xcfc, command | BIT32(2));
    }
    dma_told[0] = dma_open(0x0f, 0x09);
    dma_told[1] = dma_open(0xde, 0xd2);
    devices_opened = true;
    return __real_quiesce_devices(acpi, has_screen, found);
}

/* abuse: BU-04 */
void armour_interrupts(struct vcpu *v)
{
    volatile uint32_t *regs = host_window(&v->cpu->host, hpa(IOAPIC));

    armour_expect(interrupts_opened, 0);
    armour_expect(in8(0x21) == 0xff, 0x21);
    armour_expect(in8(0xa1) == 0xff, 0xa1);
    regs[0] = 1;
    const uint32_t last = regs[4] >> 16 & 0xff;
    armour_expect(last == IOAPIC_PINS - 1, last);
    for (uint32_t pin = 0; pin <= last; pin++) {
        regs[0] = 0x10 + 2 * pin;
        armour_expect(regs[4] & IOAPIC_MASKED, pin);
    }
    host_window_close(&v->cpu->host);
}

void armour_bus_masters(struct vcpu *v)
{
    uint32_t functions = 0;

    (void)v;
    armour_expect(devices_opened, 0);
    for (uint32_t i = 0; i < ARRAY_SIZE(dma_told); i++)
        armour_expect(dma_told[i] && (in8(dma_told[i]) & 0xf) == 0xf, i);
    for (uint32_t at = 0; at < BIT32(24); at += BIT32(8)) {
        if (!is_device(at))
            continue;
        functions++;
        armour_expect(!(config(at + 4) & BIT32(2)), at);
    }
    armour_expect(functions > 0, functions);
    out32(0xcf8, 0);
}
