/* SPDX-License-Identifier: MIT */
/*
 * acpi_parts: what finding tables (acpi_find.c), opening them (acpi_table.c) and understanding them
 * (acpi_facts.c) share. No other file includes it.
 */
#pragma once

#include "drivers/acpi/acpi.h"
#include "lib/acpi.h"
#include "lib/types.h"

/* A table whose signature, length and checksum were right when it was opened. Its bytes may have
 * changed since: every use copies first and checks the copy. */
struct acpi_table {
    const struct acpi_memory *memory;
    const char *name; /* four letters */
    hpa_t address;
    uint32_t length; /* >= sizeof(struct acpi_header); address + length does not wrap */
};

/* Copies `size` bytes, 1..ACPI_COPY_MAX; false when they are not readable memory. */
MUST_CHECK bool acpi_copy(const struct acpi_memory *memory, hpa_t address, void *to, uint64_t size);

/* Of all bytes; 0 is a right checksum. */
uint8_t acpi_sum(const uint8_t *bytes, size_t size);

/* Copies bytes [offset, offset + size) of the table, size 1..ACPI_COPY_MAX; false, and nothing
 * copied, when they are not all inside it or not readable. */
MUST_CHECK bool acpi_table_copy(const struct acpi_table *table, uint32_t offset, void *to,
                                uint32_t size);

/* Opens the table at `address`; says what is wrong with it otherwise. */
MUST_CHECK bool acpi_table_open(struct acpi_table *table, const struct acpi_memory *memory,
                                hpa_t address, const char *name);

/* The one line about a table that is broken. `why` as in "is shorter than its header". */
COLD void acpi_table_complain(const struct acpi_table *table, const char *why);

/* What both tables of IOMMUs need; each says what is wrong, or NULL. `mark`: the row of iommus[] or
 * reserved[] that is described. */
MUST_CHECK const char *acpi_iommu_add(struct acpi_info *info, struct acpi_iommu unit,
                                      uint8_t *mark);
MUST_CHECK const char *acpi_iommu_reserve(struct acpi_info *info, uint16_t segment, uint64_t base,
                                          uint64_t last, uint8_t *mark);
MUST_CHECK const char *acpi_iommu_scope(struct acpi_info *info, const struct acpi_scope *scope);
/* All of a unit's. */
void acpi_iommu_forget(struct acpi_info *info, uint8_t unit);

/* The entries of a table from `head` on, each with its length in its second half-word; `read` says
 * what is wrong with one of `length` bytes at `at`. */
MUST_CHECK bool acpi_iommu_read(struct acpi_info *info, const struct acpi_table *table,
                                uint32_t head,
                                const char *(*read)(struct acpi_info *info,
                                                    const struct acpi_table *table, uint32_t at,
                                                    uint32_t length));

/* Each takes what is sound out of an opened table; false when nothing was. */
MUST_CHECK bool acpi_madt_read(struct acpi_info *info, const struct acpi_table *madt);
MUST_CHECK bool acpi_fadt_read(struct acpi_info *info, const struct acpi_table *fadt);
MUST_CHECK bool acpi_spcr_read(struct acpi_info *info, const struct acpi_table *spcr);
MUST_CHECK bool acpi_mcfg_read(struct acpi_info *info, const struct acpi_table *mcfg);
MUST_CHECK bool acpi_dmar_read(struct acpi_info *info, const struct acpi_table *dmar);
MUST_CHECK bool acpi_ivrs_read(struct acpi_info *info, const struct acpi_table *ivrs);

/* After acpi_madt_read(). True as well when the table knows one node only. */
MUST_CHECK bool acpi_srat_read(struct acpi_info *info, const struct acpi_table *srat);

/* Looks for \_S5 in the AML of a DSDT or SSDT; sets s5_type_a and s5_type_b. */
MUST_CHECK bool acpi_s5_read(struct acpi_info *info, const struct acpi_table *aml);
