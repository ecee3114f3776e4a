/* SPDX-License-Identifier: MIT */
/*
 * acpi: finds the firmware's tables, from the RSDP through the root table, and checks their frame:
 * signature, length, checksum. What is inside a table is drivers/acpi/acpi_tables.c's business.
 * Never looks twice at bytes it has checked: it checks and uses one copy.
 */
#include "drivers/acpi/acpi.h"

#include <stdatomic.h>

#include "drivers/acpi/acpi_tables.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"

#define ACPI_TABLE_MAX   (1 * MIB) /* bytes; the largest DSDTs seen are a few hundred KiB */
#define ACPI_ENTRIES_MAX 256       /* of the root table */

/* ACPI Specification, "Root System Description Pointer (RSDP) Structure". */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    uint8_t oem[6];
    uint8_t revision;
    uint32_t rsdt;
    /* from revision 2 on */
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum; /* of all bytes */
    uint8_t reserved[3];
} PACKED;
_Static_assert(sizeof(struct acpi_rsdp) == 36, "ACPI: RSDP");

#define RSDP_V1_SIZE offsetof(struct acpi_rsdp, length)
_Static_assert(RSDP_V1_SIZE == 20, "ACPI: RSDP, ACPI 1.0 part");

/* The XSDT or the RSDT: a header and then physical addresses of `entry_size` bytes each. */
struct acpi_root {
    struct acpi_table table;
    uint32_t entry_size; /* 8 or 4 */
    uint32_t entry_count;
};

static bool acpi_copy(const struct acpi_memory *memory, hpa_t address, void *to, uint64_t size)
{
    const void *from;

    ASSERT(size >= 1 && size <= ACPI_COPY_MAX);
    if (address.v == 0 || !range_ok(address.v, size))
        return false;
    from = memory->at(memory->context, address, size);
    if (from == NULL)
        return false;
    memcpy(to, from, size);
    /* Keeps the compiler from reading the original again instead of the copy. */
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static uint8_t acpi_sum(const uint8_t *bytes, size_t size)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    return sum;
}

void acpi_table_complain(const struct acpi_table *table, const char *why)
{
    log_line("acpi: %s at 0x%llx %s", table->name, (unsigned long long)table->address.v, why);
}

bool acpi_table_copy(const struct acpi_table *table, uint32_t offset, void *to, uint32_t size)
{
    if (offset > table->length || size > table->length - offset)
        return false;
    return acpi_copy(table->memory, hpa(table->address.v + offset), to, size);
}

/* What is wrong with the table's frame, or NULL; sets table->length. */
static const char *acpi_table_check(struct acpi_table *table)
{
    struct acpi_header header;
    uint8_t part[ACPI_COPY_MAX];
    uint8_t sum = 0;

    if (!acpi_copy(table->memory, table->address, &header, sizeof(header)))
        return "is not in readable memory";
    if (memcmp(header.signature, table->name, sizeof(header.signature)) != 0)
        return "has the wrong signature";
    if (header.length < sizeof(header))
        return "is shorter than its header";
    if (header.length > ACPI_TABLE_MAX)
        return "is longer than 1 MiB";
    if (!range_ok(table->address.v, header.length))
        return "extends beyond the address space";

    table->length = header.length;
    for (uint32_t done = 0; done < table->length; done += sizeof(part)) {
        uint32_t size = (uint32_t)min_u64(sizeof(part), table->length - done);

        if (!acpi_table_copy(table, done, part, size))
            return "is not entirely in readable memory";
        sum = (uint8_t)(sum + acpi_sum(part, size));
    }
    return sum == 0 ? NULL : "has a bad checksum";
}

bool acpi_table_open(struct acpi_table *table, const struct acpi_memory *memory, hpa_t address,
                     const char *name)
{
    const char *why;

    *table = (struct acpi_table){.memory = memory, .name = name, .address = address};
    why = acpi_table_check(table);
    if (why != NULL)
        acpi_table_complain(table, why);
    return why == NULL;
}

static bool acpi_root_open(struct acpi_root *root, const struct acpi_memory *memory,
                           uint64_t address, const char *name, uint32_t entry_size)
{
    uint32_t bytes;

    if (address == 0 || !acpi_table_open(&root->table, memory, hpa(address), name))
        return false;
    bytes = root->table.length - (uint32_t)sizeof(struct acpi_header);
    root->entry_size = entry_size;
    root->entry_count = (uint32_t)min_u64(bytes / entry_size, ACPI_ENTRIES_MAX);
    if (bytes % entry_size != 0)
        acpi_table_complain(&root->table, "ends in the middle of an entry");
    if (bytes / entry_size > ACPI_ENTRIES_MAX)
        acpi_table_complain(&root->table, "has more than 256 entries; the rest are ignored");
    return true;
}

/* The XSDT, else the RSDT. */
static bool acpi_root_find(struct acpi_root *root, const struct acpi_memory *memory, hpa_t address)
{
    struct acpi_rsdp rsdp = {.xsdt = 0};

    if (!acpi_copy(memory, address, &rsdp, RSDP_V1_SIZE) ||
        memcmp(rsdp.signature, "RSD PTR ", sizeof(rsdp.signature)) != 0 ||
        acpi_sum((const uint8_t *)&rsdp, RSDP_V1_SIZE) != 0) {
        log_line("acpi: no valid RSDP at 0x%llx", (unsigned long long)address.v);
        return false;
    }
    if (rsdp.revision >= 2) {
        /* One copy of everything, so that no half of it is older than the other. */
        if (acpi_copy(memory, address, &rsdp, sizeof(rsdp)) && rsdp.length == sizeof(rsdp) &&
            acpi_sum((const uint8_t *)&rsdp, sizeof(rsdp)) == 0) {
            if (acpi_root_open(root, memory, rsdp.xsdt, "XSDT", sizeof(uint64_t)))
                return true;
        } else {
            log_line("acpi: the RSDP at 0x%llx has an invalid ACPI 2.0 part",
                     (unsigned long long)address.v);
        }
    }
    return acpi_root_open(root, memory, rsdp.rsdt, "RSDT", sizeof(uint32_t));
}

/* Opens the next sound table called `name`, from entry *index on, which it moves behind it. */
static bool acpi_root_next(const struct acpi_root *root, const char *name, uint32_t *index,
                           struct acpi_table *table)
{
    while (*index < root->entry_count) {
        uint64_t address = 0; /* an RSDT entry fills its low half */
        char signature[4];
        uint32_t offset = (uint32_t)sizeof(struct acpi_header) + *index * root->entry_size;

        (*index)++;
        if (acpi_table_copy(&root->table, offset, &address, root->entry_size) &&
            acpi_copy(root->table.memory, hpa(address), signature, sizeof(signature)) &&
            memcmp(signature, name, sizeof(signature)) == 0 &&
            acpi_table_open(table, root->table.memory, hpa(address), name))
            return true;
    }
    return false;
}

/* Gives each table called `name` to `read` until one has what it should. */
static bool acpi_root_read(const struct acpi_root *root, const char *name, struct acpi_info *info,
                           bool (*read)(struct acpi_info *, const struct acpi_table *))
{
    struct acpi_table table;
    uint32_t index = 0;

    while (acpi_root_next(root, name, &index, &table)) {
        if (read(info, &table))
            return true;
    }
    return false;
}

bool acpi_read(struct acpi_info *info, const struct acpi_memory *memory, hpa_t rsdp)
{
    struct acpi_root root;

    *info = (struct acpi_info){.core_count = 0};
    if (!acpi_root_find(&root, memory, rsdp))
        return false;
    if (acpi_root_read(&root, "FACP", info, acpi_fadt_read) && info->pm1a_control != 0 &&
        !info->has_power_off) /* some firmware keeps \_S5 in an SSDT */
        info->has_power_off = acpi_root_read(&root, "SSDT", info, acpi_s5_read);
    (void)acpi_root_read(&root, "SPCR", info, acpi_spcr_read);
    return acpi_root_read(&root, "APIC", info, acpi_madt_read);
}
