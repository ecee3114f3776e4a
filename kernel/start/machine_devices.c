/* SPDX-License-Identifier: MIT */
#include "kernel/start/machine_devices.h"

#include "drivers/uart.h"
#include "kernel/core/machine_lines.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/uart16550.h"
#include "lib/x86/insn.h"
#include "mm/firmware.h"

/* Intel Virtualization Technology for Directed I/O "Register Descriptions". */
enum vtd_register {
    VTD_CAPABILITY = 0x08, /* r-  64 bits; number of domains in 2:0, widths in 12:8 */
    VTD_EXTENDED = 0x10,   /* r-  64 bits */
    VTD_STATUS = 0x1c,     /* r-  32 bits */
};
#define VTD_WIDTH_39       BIT64(9)
#define VTD_WIDTH_48       BIT64(10)
#define VTD_WIDTH_57       BIT64(11)
#define VTD_QUEUE          BIT64(1)
#define VTD_REMAPS         BIT64(3)
#define VTD_X2APIC         BIT64(4)
#define VTD_TRANSLATES_NOW BIT32(31)
#define VTD_REMAPS_NOW     BIT32(25)

/* AMD I/O Virtualization Technology (IOMMU) Specification "MMIO Registers". */
enum amdvi_register {
    AMDVI_CONTROL = 0x18,  /* rw  64 bits */
    AMDVI_EXTENDED = 0x30, /* r-  64 bits */
};
#define AMDVI_ON_NOW BIT64(0)
#define AMDVI_X2APIC BIT64(2)

static uint64_t machine_register(hpa_t unit, uint32_t offset)
{
    return *(const volatile uint64_t *)(uintptr_t)(unit.v + offset);
}

static const char *machine_vtd_width(uint64_t capability)
{
    return capability & VTD_WIDTH_57   ? "57"
           : capability & VTD_WIDTH_48 ? "48"
           : capability & VTD_WIDTH_39 ? "39"
                                       : "no known";
}

static void machine_vtd(hpa_t unit, char *buf, size_t size)
{
    const uint64_t capability = machine_register(unit, VTD_CAPABILITY);
    const uint64_t extended = machine_register(unit, VTD_EXTENDED);
    const uint32_t status = *(const volatile uint32_t *)(uintptr_t)(unit.v + VTD_STATUS);

    fmt_print(buf, size, "%s bits%s%s%s; the firmware left %s", machine_vtd_width(capability),
              extended & VTD_QUEUE ? "" : ", no invalidation queue",
              extended & VTD_REMAPS ? ", interrupt remapping" : ", no interrupt remapping",
              extended & VTD_X2APIC ? ", x2APIC" : ", no x2APIC",
              status & VTD_TRANSLATES_NOW ? "DMA remapping on"
              : status & VTD_REMAPS_NOW   ? "interrupt remapping on"
                                          : "it off");
}

static void machine_amdvi(hpa_t unit, char *buf, size_t size)
{
    const uint64_t extended = machine_register(unit, AMDVI_EXTENDED);

    fmt_print(buf, size, "interrupt remapping%s; the firmware left it %s",
              extended & AMDVI_X2APIC ? ", x2APIC" : ", no x2APIC",
              machine_register(unit, AMDVI_CONTROL) & AMDVI_ON_NOW ? "on" : "off");
}

static void machine_iommu(const struct acpi_iommu *unit, log_sink say)
{
    char text[120] = "its registers cannot be reached";

    if (firmware_maps(hpa(read_cr3()), (struct range){unit->address.v, PAGE_SIZE})) {
        if (unit->amd)
            machine_amdvi(unit->address, text, sizeof(text));
        else
            machine_vtd(unit->address, text, sizeof(text));
    }
    say("IOMMU: %s at 0x%llx, segment %u: %s", unit->amd ? "AMD-Vi" : "VT-d",
        (unsigned long long)unit->address.v, unit->segment, text);
}

static bool machine_serial_port(uint16_t port, log_sink say)
{
    if (!uart_is_there(port))
        return false;
    say("serial port: 0x%x", port);
    return true;
}

/* Where PCs have them, and where the firmware says. */
static void machine_serial_ports(const struct acpi_info *acpi, log_sink say)
{
    const uint16_t usual[] = {UART_COM1, UART_COM2, UART_COM3, UART_COM4};
    bool any = false, is_usual = false;

    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        any |= machine_serial_port(usual[i], say);
        is_usual |= usual[i] == acpi->serial_port;
    }
    if (acpi->has_serial && !is_usual)
        any |= machine_serial_port(acpi->serial_port, say);
    if (!any)
        say("serial port: none at an I/O port");
}

void machine_devices(const struct pci_list *list, const struct acpi_info *acpi, log_sink say)
{
    char text[PCI_TEXT_MAX];

    machine_serial_ports(acpi, say);
    if (acpi->iommu_count == 0)
        say("IOMMU: the firmware lists none");
    for (uint32_t i = 0; i < acpi->iommu_count; i++)
        machine_iommu(&acpi->iommus[i], say);
    if (acpi->iommu_no_x2apic)
        say("IOMMU: the firmware asks to leave x2APIC mode alone, which Bulkhead cannot");
    if (acpi->reserved_count > 0)
        say("IOMMU: the firmware reserves %u range%s of memory for devices", acpi->reserved_count,
            fmt_plural(acpi->reserved_count));
    for (uint32_t i = 0; i < list->count; i++) {
        pci_list_text(&list->entries[i], text, sizeof(text));
        say(MACHINE_LINE_PCI "%s", text);
    }
    if (list->left_out > 0)
        say("PCI: %u function%s more than are listed", list->left_out, fmt_plural(list->left_out));
}
