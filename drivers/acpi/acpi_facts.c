/* SPDX-License-Identifier: MIT */
/*
 * acpi_facts: takes the few facts we need out of MADT, FADT, SPCR and the AML that holds \_S5.
 * Interprets no AML: it knows the one form in which \_S5 is written. Reads a table only through
 * acpi_table_copy() and trusts no length before checking it against the table's.
 */
#include "drivers/acpi/acpi_parts.h"

#include "lib/bits.h"
#include "lib/string.h"

/* ---------------------------------------------------------------------- MADT */

struct madt_lapic {
    uint8_t type, length, processor, apic_id;
    uint32_t flags;
} PACKED;
_Static_assert(sizeof(struct madt_lapic) == 8, "ACPI: Processor Local APIC Structure");

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address;
    uint32_t gsi_base;
} PACKED;
_Static_assert(sizeof(struct madt_ioapic) == 12, "ACPI: I/O APIC Structure");

#define LAPIC_ID_EVERYBODY  UINT32_C(0xff)
#define X2APIC_ID_EVERYBODY UINT32_C(0xffffffff)

static void madt_add_core(struct acpi_info *info, uint32_t apic_id, uint32_t flags)
{
    bool usable = (flags & MADT_ENABLED) != 0 && info->core_count < ACPI_CORES_MAX;

    for (uint32_t i = 0; usable && i < info->core_count; i++)
        usable = info->cores[i].apic_id != apic_id;
    if (usable)
        info->cores[info->core_count++] = (struct acpi_core){.apic_id = apic_id};
}

static const char *madt_add_ioapic(struct acpi_info *info, const struct madt_ioapic *entry)
{
    for (uint32_t i = 0; i < info->ioapic_count; i++) {
        if (info->ioapics[i].address.v == entry->address)
            return "lists an I/O APIC twice";
    }
    if (entry->address == 0)
        return "lists an I/O APIC without an address";
    if (info->ioapic_count == ACPI_IOAPICS_MAX)
        return "lists more than 16 I/O APICs";
    info->ioapics[info->ioapic_count++] = (struct acpi_ioapic){.address = hpa(entry->address)};
    return NULL;
}

/* One entry, of `length` bytes, that lies in the table; returns what is wrong with it. */
static const char *madt_read_entry(struct acpi_info *info, const struct acpi_table *madt,
                                   uint32_t offset, uint8_t type, uint8_t length)
{
    union {
        struct madt_lapic lapic;
        struct madt_ioapic ioapic;
        struct madt_x2apic x2apic;
    } entry;
    uint32_t wanted;

    if (type == MADT_LAPIC)
        wanted = sizeof(entry.lapic);
    else if (type == MADT_IOAPIC)
        wanted = sizeof(entry.ioapic);
    else if (type == MADT_X2APIC)
        wanted = sizeof(entry.x2apic);
    else
        return NULL; /* the others have nothing for us */

    if (length < wanted || !acpi_table_copy(madt, offset, &entry, wanted))
        return "has an entry that is too short";
    if (type == MADT_IOAPIC)
        return madt_add_ioapic(info, &entry.ioapic);
    if (type == MADT_LAPIC)
        madt_add_core(info, entry.lapic.apic_id,
                      entry.lapic.apic_id == LAPIC_ID_EVERYBODY ? 0 : entry.lapic.flags);
    else
        madt_add_core(info, entry.x2apic.apic_id,
                      entry.x2apic.apic_id == X2APIC_ID_EVERYBODY ? 0 : entry.x2apic.flags);
    return NULL;
}

bool acpi_madt_read(struct acpi_info *info, const struct acpi_table *madt)
{
    struct acpi_madt fixed;
    uint8_t head[2]; /* of an entry: type, length */
    const char *why = NULL;

    if (!acpi_table_copy(madt, 0, &fixed, sizeof(fixed))) {
        acpi_table_complain(madt, "is too short for a MADT");
        return false;
    }
    for (uint32_t at = sizeof(fixed); at < madt->length; at += head[1]) {
        const char *wrong;

        if (!acpi_table_copy(madt, at, head, sizeof(head)) || head[1] < sizeof(head) ||
            head[1] > madt->length - at) {
            why = "has an entry of invalid length; the rest is ignored";
            break;
        }
        wrong = madt_read_entry(info, madt, at, head[0], head[1]);
        why = why == NULL ? wrong : why;
    }
    if (info->core_count == 0)
        why = "lists no core that can be started";
    if (why != NULL)
        acpi_table_complain(madt, why);
    return info->core_count != 0;
}

/* ---------------------------------------------------------------------- FADT */

_Static_assert(sizeof(struct acpi_fadt) <= ACPI_COPY_MAX, "copied in one go");

#define PORT_SPACE UINT64_C(0x10000)

/* The I/O port of a register of `width` bytes, or 0 when there is none that we could use. */
static uint16_t acpi_port(uint64_t address, uint32_t width)
{
    return address <= PORT_SPACE - width ? (uint16_t)address : 0;
}

static uint16_t acpi_gas_port(const struct acpi_gas *gas, uint32_t width)
{
    return gas->space == GAS_IO ? acpi_port(gas->address, width) : 0;
}

static void fadt_read_reset(struct acpi_info *info, const struct acpi_fadt *fadt)
{
    info->reset_port = acpi_gas_port(&fadt->reset, 1);
    info->reset_memory = hpa(fadt->reset.space == GAS_MEMORY ? fadt->reset.address : 0);
    info->reset_value = fadt->reset_value;
    info->has_reset =
        (fadt->flags & FADT_RESET) != 0 && (info->reset_port != 0 || info->reset_memory.v != 0);
}

static void fadt_read_pm1(struct acpi_info *info, const struct acpi_fadt *fadt)
{
    if ((fadt->flags & FADT_HW_REDUCED) != 0)
        return;
    info->pm1a_control = acpi_gas_port(&fadt->x_pm1a_control, 2);
    if (info->pm1a_control == 0)
        info->pm1a_control = acpi_port(fadt->pm1a_control, 2);
    info->pm1b_control = acpi_gas_port(&fadt->x_pm1b_control, 2);
    if (info->pm1b_control == 0)
        info->pm1b_control = acpi_port(fadt->pm1b_control, 2);
    info->smi_port = acpi_port(fadt->smi_command, 1);
    info->acpi_enable = fadt->acpi_enable;
}

bool acpi_fadt_read(struct acpi_info *info, const struct acpi_table *fadt)
{
    struct acpi_fadt copy = {.dsdt = 0};
    struct acpi_table dsdt;
    bool opened = false;

    if (fadt->length < FADT_V1_SIZE ||
        !acpi_table_copy(fadt, 0, &copy, (uint32_t)min_u64(fadt->length, sizeof(copy)))) {
        acpi_table_complain(fadt, "is too short for an FADT");
        return false;
    }
    fadt_read_reset(info, &copy);
    fadt_read_pm1(info, &copy);
    if (info->pm1a_control == 0)
        return true;
    if (copy.x_dsdt != 0)
        opened = acpi_table_open(&dsdt, fadt->memory, hpa(copy.x_dsdt), "DSDT");
    if (!opened && copy.dsdt != 0 && copy.dsdt != copy.x_dsdt)
        opened = acpi_table_open(&dsdt, fadt->memory, hpa(copy.dsdt), "DSDT");
    info->has_power_off = opened && acpi_s5_read(info, &dsdt);
    return true;
}

/* ---------------------------------------------------------------------- \_S5 */

/* ACPI Specification, "ACPI Machine Language (AML) Specification". What compilers make of
 *     Name (\_S5, Package () { 5, 5, 0, 0 })
 * is  NameOp ['\'] "_S5_" PackageOp PkgLength NumElements TermArg... */
enum aml_byte {
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_WORD = 0x0b,
    AML_DWORD = 0x0c,
    AML_PACKAGE = 0x12,
    AML_ROOT = '\\',
};

#define S5_NAME     "_S5_"
#define S5_NAME_LEN 4
#define S5_TYPE_MAX 7 /* SLP_TYPx has three bits */

/* PackageOp, PkgLength of up to four bytes, NumElements, two integers of up to five bytes. */
#define S5_PACKAGE_MAX 16

/* One integer of `size` bytes of AML at *at, which moves behind it; false when it is none, or not
 * a sleep type. */
static bool aml_sleep_type(const uint8_t *aml, uint32_t size, uint32_t *at, uint8_t *type)
{
    uint32_t value = 0, width;
    uint8_t op;

    if (*at >= size)
        return false;
    op = aml[(*at)++];
    if (op == AML_ZERO || op == AML_ONE) {
        *type = op;
        return true;
    }
    if (op == AML_BYTE)
        width = 1;
    else if (op == AML_WORD)
        width = 2;
    else if (op == AML_DWORD)
        width = 4;
    else
        return false;
    if (width > size - *at)
        return false;
    for (uint32_t i = 0; i < width; i++)
        value |= (uint32_t)aml[(*at)++] << (8 * i);
    *type = (uint8_t)value;
    return value <= S5_TYPE_MAX;
}

/* Package { a, b, ... } at the beginning of `size` bytes. */
static bool s5_parse(struct acpi_info *info, const uint8_t *aml, uint32_t size)
{
    uint32_t follow, length, at = 2;
    uint8_t a, b;

    if (size < 3 || aml[0] != AML_PACKAGE)
        return false;
    /* "Package Length Encoding": counts itself and all that follows. */
    follow = aml[1] >> 6;
    length = follow == 0 ? aml[1] & 0x3f : aml[1] & 0x0f;
    if (follow >= size - at)
        return false;
    for (uint32_t i = 0; i < follow; i++)
        length |= (uint32_t)aml[at++] << (4 + 8 * i);
    size = (uint32_t)min_u64(size, 1 + (uint64_t)length);
    if (at >= size || aml[at++] < 2) /* NumElements */
        return false;
    if (!aml_sleep_type(aml, size, &at, &a) || !aml_sleep_type(aml, size, &at, &b))
        return false;
    info->s5_type_a = a;
    info->s5_type_b = b;
    return true;
}

/* The four letters stand at `at`: do a name operator before and a package behind make sense? */
static bool s5_read_at(struct acpi_info *info, const struct acpi_table *aml, uint32_t at)
{
    uint8_t before[2], package[S5_PACKAGE_MAX];
    uint32_t behind = at + S5_NAME_LEN;
    uint32_t size = (uint32_t)min_u64(aml->length - behind, sizeof(package));

    return size > 0 &&
           acpi_table_copy(aml, at - (uint32_t)sizeof(before), before, sizeof(before)) &&
           (before[1] == AML_NAME || (before[1] == AML_ROOT && before[0] == AML_NAME)) &&
           acpi_table_copy(aml, behind, package, size) && s5_parse(info, package, size);
}

bool acpi_s5_read(struct acpi_info *info, const struct acpi_table *aml)
{
    char part[256];
    uint32_t size;

    /* Parts overlap by the name's length less one, so that no name falls between two. */
    for (uint32_t at = sizeof(struct acpi_header); aml->length - at >= S5_NAME_LEN;
         at += size - (S5_NAME_LEN - 1)) {
        size = (uint32_t)min_u64(aml->length - at, sizeof(part));
        if (!acpi_table_copy(aml, at, part, size))
            return false;
        for (uint32_t i = 0; i + S5_NAME_LEN <= size; i++) {
            if (memcmp(&part[i], S5_NAME, S5_NAME_LEN) == 0 && s5_read_at(info, aml, at + i))
                return true;
        }
    }
    return false;
}

/* ---------------------------------------------------------------------- SPCR */

struct acpi_spcr {
    struct acpi_header header;
    uint8_t interface;
    uint8_t reserved[3];
    struct acpi_gas base;
    uint8_t interrupt_type, irq;
    uint32_t gsi;
    uint8_t baud; /* a code */
    uint8_t parity, stop_bits, flow_control, terminal, reserved2;
} PACKED;
_Static_assert(offsetof(struct acpi_spcr, base) == 40, "SPCR");
_Static_assert(offsetof(struct acpi_spcr, baud) == 58, "SPCR");

/* Interface types that drivers/uart.c can drive: 16550, 16450, and 16550 with parameters in the
 * address structure (whose registers must be byte-wide for us). */
enum spcr_interface { SPCR_16550 = 0, SPCR_16450 = 1, SPCR_16550_GAS = 0x12 };

#define UART_PORTS 8

static uint32_t spcr_baud(uint8_t code)
{
    static const uint32_t bauds[] = {[3] = 9600, [4] = 19200, [6] = 57600, [7] = 115200};

    return code < ARRAY_SIZE(bauds) ? bauds[code] : 0;
}

/* A port that we cannot drive is no fault of the table's: it is passed over in silence. */
bool acpi_spcr_read(struct acpi_info *info, const struct acpi_table *spcr)
{
    struct acpi_spcr copy;

    if (!acpi_table_copy(spcr, 0, &copy, sizeof(copy))) {
        acpi_table_complain(spcr, "is too short for an SPCR");
        return false;
    }
    if (copy.interface != SPCR_16550 && copy.interface != SPCR_16450 &&
        copy.interface != SPCR_16550_GAS)
        return false;
    info->serial_port = acpi_gas_port(&copy.base, UART_PORTS);
    info->serial_baud = spcr_baud(copy.baud);
    info->has_serial = info->serial_port != 0;
    return info->has_serial;
}
