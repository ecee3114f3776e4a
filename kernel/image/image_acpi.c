/* SPDX-License-Identifier: MIT */
/*
 * image_acpi: writes the tables. Pure.
 */
#include "kernel/image/image_acpi.h"

#include "kernel/image/aml.h"
#include "lib/acpi.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "vdev/vpci.h"
#include "vdev/vpower.h"

#define RSDP_REVISION 2
#define XSDT_REVISION 1
#define FADT_REVISION 6
#define FADT_MINOR    3
#define MADT_REVISION 5
#define DSDT_REVISION 2 /* integers have 64 bits */

/* FADT, boot_arch. There are no legacy devices and no 8042; and do not look for: */
#define BOOT_NO_VGA  0x04
#define BOOT_NO_ASPM 0x10
#define BOOT_NO_RTC  0x20 /* as a device; its time is read all the same */

/* Not set in the FADT: "PM timer has 32 bits", as there is none, and "low-power S0 idle", as
 * nothing could wake a guest from it. */

#define MADT_LAPIC_ADDRESS 0xfee00000u /* in x2APIC mode nothing is there */

/* ACPI "Resource Data Types for ACPI": address space descriptors, an I/O port descriptor with 16
 * address bits decoded, end tag. */
#define RESOURCE_DWORD    0x87
#define RESOURCE_WORD     0x88
#define RESOURCE_IO       0x47
#define RESOURCE_IO_16    1
#define RESOURCE_END      0x79
#define RESOURCE_MEMORY   0
#define RESOURCE_PORTS    1
#define RESOURCE_BUSES    2
#define RESOURCE_FIXED    0x0c /* both ends */
#define RESOURCE_WRITABLE 0x01 /* memory, not cacheable */
#define RESOURCE_ALL_IO   0x03 /* ISA and other ports */

#define PCI_PORT_GAP 8u /* the configuration ports themselves */

/* In real mode: tell the reset port; should that return, stay. */
const uint8_t image_reset_code[] = {
    0xb0,
    VPOWER_RESET_VALUE, /* mov al, value */
    0xba,
    VPOWER_RESET & 0xff,
    VPOWER_RESET >> 8 & 0xff, /* mov dx, port */
    0xee,                     /* out dx, al */
    0xf4,                     /* hlt */
    0xeb,
    0xfd, /* jmp to the hlt */
};
const uint32_t image_reset_code_size = sizeof(image_reset_code);
_Static_assert(RESET_CODE_AT + sizeof(image_reset_code) <= 0x100000, "below 1 MiB");
_Static_assert(ACPI_TABLES_AT + ACPI_TABLES_MAX <= RESET_CODE_AT, "the tables end before it");

static struct acpi_gas acpi_port(uint16_t port)
{
    return (struct acpi_gas){
        .space = GAS_IO, .width = 8, .access = GAS_ACCESS_BYTE, .address = port};
}

/* Where the byte at `offset` will be in the guest. */
static uint64_t acpi_at(uint32_t offset)
{
    return ACPI_TABLES_AT + offset;
}

/* ------------------------------------------------------------------ DSDT */

static void dsdt_sleep(struct aml *a)
{
    aml_define(a, "_S5_");
    const uint32_t package = aml_begin(a, 0, AML_PACKAGE);
    aml_byte(a, 4); /* elements */
    aml_integer(a, VPOWER_S5_TYPE);
    for (uint32_t i = 0; i < 3; i++)
        aml_integer(a, 0);
    aml_end(a, package);
}

static void dsdt_cpu(struct aml *a, uint32_t uid)
{
    static const char digits[] = "0123456789ABCDEF";
    const char name[] = {'C', digits[uid >> 8 & 15], digits[uid >> 4 & 15], digits[uid & 15], 0};

    const uint32_t device = aml_begin(a, AML_EXT, AML_DEVICE);
    aml_name(a, name);
    aml_define(a, "_HID");
    aml_string(a, "ACPI0007");
    aml_define(a, "_UID");
    aml_integer(a, uid);
    aml_end(a, device);
}

/* An address space descriptor of `item`: words or dwords from `first` to `last`. */
static void dsdt_space(struct aml *a, uint8_t item, uint8_t kind, uint8_t flags, uint32_t first,
                       uint32_t last)
{
    const uint32_t fields[] = {0, first, last, 0,
                               last - first + 1}; /* granularity, translation: 0 */
    const uint32_t width = item == RESOURCE_WORD ? 2 : 4;
    const uint16_t length = (uint16_t)(3 + ARRAY_SIZE(fields) * width);

    aml_byte(a, item);
    aml_bytes(a, &length, sizeof(length));
    aml_byte(a, kind);
    aml_byte(a, RESOURCE_FIXED);
    aml_byte(a, flags);
    for (uint32_t i = 0; i < ARRAY_SIZE(fields); i++)
        aml_bytes(a, &fields[i], width);
}

static void dsdt_pci_resources(struct aml *a)
{
    const uint8_t own[] = {RESOURCE_IO,
                           RESOURCE_IO_16,
                           VPCI_ADDRESS & 0xff,
                           VPCI_ADDRESS >> 8, /* lowest base */
                           VPCI_ADDRESS & 0xff,
                           VPCI_ADDRESS >> 8, /* highest base */
                           1,
                           PCI_PORT_GAP /* alignment, length */};

    dsdt_space(a, RESOURCE_WORD, RESOURCE_BUSES, 0, 0, 0);
    aml_bytes(a, own, sizeof(own));
    dsdt_space(a, RESOURCE_WORD, RESOURCE_PORTS, RESOURCE_ALL_IO, 0, VPCI_ADDRESS - 1);
    dsdt_space(a, RESOURCE_WORD, RESOURCE_PORTS, RESOURCE_ALL_IO, VPCI_ADDRESS + PCI_PORT_GAP,
               UINT16_MAX);
    dsdt_space(a, RESOURCE_DWORD, RESOURCE_MEMORY, RESOURCE_WRITABLE, (uint32_t)VPCI_MEMORY_FIRST,
               (uint32_t)VPCI_MEMORY_LAST);
    aml_byte(a, RESOURCE_END);
    aml_byte(a, 0); /* no checksum */
}

/*
 * The host bridge of a bus of its own, 0, where the UART is. PNP0A03, not PNP0A08: for PCI Express
 * Linux asks to be given control of what there is not.
 */
static void dsdt_pci(struct aml *a)
{
    uint8_t bytes[128];
    struct aml resources = {.bytes = bytes, .max = sizeof(bytes)};

    dsdt_pci_resources(&resources);
    const uint32_t device = aml_begin(a, AML_EXT, AML_DEVICE);
    aml_name(a, "PCI0");
    aml_define(a, "_HID");
    aml_eisa_id(a, "PNP0A03");
    aml_define(a, "_UID");
    aml_integer(a, 0);
    aml_define(a, "_BBN");
    aml_integer(a, 0);
    aml_define(a, "_CRS");
    const uint32_t buffer = aml_begin(a, 0, AML_BUFFER);
    aml_integer(a, resources.size);
    aml_bytes(a, bytes, resources.size);
    aml_end(a, buffer);
    aml_end(a, device);
}

static uint32_t acpi_dsdt(struct aml *a, uint32_t count)
{
    const uint32_t table = aml_table_begin(a, "DSDT", DSDT_REVISION);

    dsdt_sleep(a);
    const uint32_t scope = aml_begin(a, 0, AML_SCOPE);
    aml_byte(a, '\\');
    aml_name(a, "_SB_");
    for (uint32_t i = 0; i < count; i++)
        dsdt_cpu(a, i);
    dsdt_pci(a);
    aml_end(a, scope);
    aml_table_end(a, table);
    return table;
}

/* ------------------------------------------------------------------ the other tables */

static uint32_t acpi_fadt(struct aml *a, uint32_t dsdt)
{
    const struct acpi_fadt fadt = {
        .dsdt = (uint32_t)acpi_at(dsdt),
        .boot_arch = BOOT_NO_VGA | BOOT_NO_ASPM | BOOT_NO_RTC,
        .flags = FADT_WBINVD | FADT_POWER_BUTTON | FADT_SLEEP_BUTTON | FADT_RESET |
                 FADT_PHYSICAL_APIC | FADT_HW_REDUCED,
        .reset = acpi_port(VPOWER_RESET),
        .reset_value = VPOWER_RESET_VALUE,
        .minor = FADT_MINOR,
        .x_dsdt = acpi_at(dsdt),
        .sleep_control = acpi_port(VPOWER_SLEEP_CONTROL),
        .sleep_status = acpi_port(VPOWER_SLEEP_STATUS),
    };
    const uint32_t table = aml_table_begin(a, "FACP", FADT_REVISION);

    aml_bytes(a, &fadt.header + 1, sizeof(fadt) - sizeof(fadt.header));
    aml_table_end(a, table);
    return table;
}

static uint32_t acpi_madt(struct aml *a, const uint32_t *apic_ids, uint32_t count)
{
    const uint32_t table = aml_table_begin(a, "APIC", MADT_REVISION);

    aml_dword(a, MADT_LAPIC_ADDRESS);
    aml_dword(a, 0); /* flags: no 8259s */
    for (uint32_t i = 0; i < count; i++) {
        const struct madt_x2apic entry = {
            .type = MADT_X2APIC,
            .length = sizeof(entry),
            .apic_id = apic_ids[i],
            .flags = MADT_ENABLED,
            .processor = i,
        };
        aml_bytes(a, &entry, sizeof(entry));
    }
    aml_table_end(a, table);
    return table;
}

static uint32_t acpi_xsdt(struct aml *a, const uint32_t *tables, uint32_t count)
{
    const uint32_t table = aml_table_begin(a, "XSDT", XSDT_REVISION);

    for (uint32_t i = 0; i < count; i++) {
        const uint64_t address = acpi_at(tables[i]);
        aml_bytes(a, &address, sizeof(address));
    }
    aml_table_end(a, table);
    return table;
}

static void acpi_rsdp(struct image_acpi *acpi, uint32_t xsdt)
{
    struct acpi_rsdp rsdp = {
        .oem = {'B', 'L', 'K', 'H', 'D', ' '},
        .revision = RSDP_REVISION,
        .length = sizeof(rsdp),
        .xsdt = acpi_at(xsdt),
    };

    memcpy(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature));
    rsdp.checksum = aml_checksum((const uint8_t *)&rsdp, RSDP_V1_SIZE);
    rsdp.extended_checksum = aml_checksum((const uint8_t *)&rsdp, sizeof(rsdp));
    memcpy(acpi->bytes, &rsdp, sizeof(rsdp));
}

void image_acpi_build(struct image_acpi *acpi, const uint32_t *apic_ids, uint32_t count)
{
    struct aml a = {.bytes = acpi->bytes, .max = sizeof(acpi->bytes)};
    uint32_t tables[2];

    ASSERT(count <= GUEST_CORES_MAX);
    memset(acpi, 0, sizeof(*acpi));
    a.size = sizeof(struct acpi_rsdp);
    tables[0] = acpi_fadt(&a, acpi_dsdt(&a, count));
    tables[1] = acpi_madt(&a, apic_ids, count);
    acpi_rsdp(acpi, acpi_xsdt(&a, tables, ARRAY_SIZE(tables)));
    acpi->size = a.size;
}
