/* SPDX-License-Identifier: MIT */
/*
 * acpi_find: finds the firmware's tables, from the RSDP through the root table.
 */
#include "drivers/acpi/acpi_parts.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"

#define ACPI_ENTRIES_MAX 256 /* of the root table */

/* The XSDT or the RSDT: a header and then physical addresses of `entry_size` bytes each. */
struct acpi_root {
    struct acpi_table table;
    uint32_t entry_size; /* 8 or 4 */
    uint32_t entry_count;
};

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
    (void)acpi_root_read(&root, "MCFG", info, acpi_mcfg_read);
    if (!acpi_root_read(&root, "DMAR", info, acpi_dmar_read))
        (void)acpi_root_read(&root, "IVRS", info, acpi_ivrs_read);
    if (!acpi_root_read(&root, "APIC", info, acpi_madt_read))
        return false;
    (void)acpi_root_read(&root, "SRAT", info, acpi_srat_read);
    return true;
}
