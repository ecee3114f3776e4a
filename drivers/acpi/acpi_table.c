/* SPDX-License-Identifier: MIT */
/*
 * acpi_table: opens one of the firmware's tables: checks signature, length and checksum. What is
 * inside is drivers/acpi/acpi_facts.c's business. Never looks twice at bytes it has checked: it
 * checks and uses one copy.
 */
#include <stdatomic.h>

#include "drivers/acpi/acpi_parts.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"

#define ACPI_TABLE_MAX (1 * MIB) /* bytes; the largest DSDTs seen are a few hundred KiB */

bool acpi_copy(const struct acpi_memory *memory, hpa_t address, void *to, uint64_t size)
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

uint8_t acpi_sum(const uint8_t *bytes, size_t size)
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
        return "has another signature";
    if (header.length < sizeof(header))
        return "is shorter than its header";
    if (header.length > ACPI_TABLE_MAX)
        return "is longer than 1 MiB";
    if (!range_ok(table->address.v, header.length))
        return "ends beyond the address space";

    table->length = header.length;
    for (uint32_t done = 0; done < table->length; done += sizeof(part)) {
        uint32_t size = (uint32_t)min_u64(sizeof(part), table->length - done);

        if (!acpi_table_copy(table, done, part, size))
            return "is not all in readable memory";
        sum = (uint8_t)(sum + acpi_sum(part, size));
    }
    return sum == 0 ? NULL : "has a wrong checksum";
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
