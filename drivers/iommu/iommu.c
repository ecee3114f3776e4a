/* SPDX-License-Identifier: MIT */
/*
 * iommu: makes and starts them: everything is blocked.
 */
#include "drivers/iommu/iommu.h"

#include "drivers/iommu/iommu_find.h"
#include "drivers/iommu/regs.h"
#include "drivers/pci/pci_words.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"

#define VTD_UNIT_PAGES    2
#define AMDVI_UNIT_PAGES  3
#define VTD_TABLE_PAGES   5
#define AMDVI_TABLE_BYTES (AMDVI_DEVICES * AMDVI_DEVICE_WORDS * sizeof(uint64_t))
#define VTD_TABLE_BYTES   (VTD_INTERRUPTS * VTD_PAIR * sizeof(uint64_t))
#define GUEST_PAGES       8 /* of tables, besides those that grow with its memory */
#define ENTRY_SIZE        8
#define APIC_ID_NARROW    254 /* the highest that needs no x2APIC mode */

_Static_assert(AMDVI_TABLE_BYTES == 2 * MIB, "AMDVI_TABLE_SIZE says so");
_Static_assert(VTD_TABLE_BYTES == 4 * PAGE_SIZE, "VTD_TABLE_1024 says so");

static bool iommu_other_segments(const struct acpi_info *acpi)
{
    for (uint32_t i = 0; i < acpi->iommu_count; i++)
        if (acpi->iommus[i].segment != 0)
            return true;
    return false;
}

uint64_t iommu_room(const struct acpi_info *acpi, uint64_t ram)
{
    uint64_t pages = sizeof(struct iommu) / PAGE_SIZE + 1;

    if (acpi->iommu_count == 0)
        return 0;
    const uint64_t table = acpi->iommus[0].amd ? AMDVI_TABLE_BYTES / PAGE_SIZE : VTD_TABLE_PAGES;
    pages += table * (iommu_other_segments(acpi) ? 2 : 1);
    pages += acpi->iommu_count * AMDVI_UNIT_PAGES + IOMMU_DEVICES_MAX +
             (uint64_t)IOMMU_GUESTS_MAX * GUEST_PAGES;
    return pages * PAGE_SIZE + ram / PAGE_SIZE_2M * ENTRY_SIZE;
}

/* ------------------------------------------------------------------ making */

static bool iommu_make_tables(struct iommu *iommu, struct iommu_tables *tables)
{
    const uint64_t bytes = iommu->amd ? AMDVI_TABLE_BYTES : PAGE_SIZE;

    tables->root = pages_get(iommu->pages, bytes / PAGE_SIZE, PAGE_SIZE);
    if (tables->root == NULL)
        return false;
    if (iommu->amd) {
        amdvi_block_all(tables->root, iommu->empty);
        return true;
    }
    tables->interrupts = pages_get(iommu->pages, VTD_TABLE_BYTES / PAGE_SIZE, PAGE_SIZE);
    if (tables->interrupts == NULL)
        return false;
    regs_flush(tables->root, PAGE_SIZE);
    regs_flush(tables->interrupts, VTD_TABLE_BYTES);
    return true;
}

static bool iommu_make_all(struct iommu *iommu)
{
    if (iommu->amd) {
        void *page = pages_get_constant(iommu->pages, 1);
        if (page == NULL)
            return false;
        regs_flush(page, PAGE_SIZE);
        iommu->empty = hpa((uintptr_t)page);
    }
    return iommu_make_tables(iommu, &iommu->tables[0]) &&
           (!iommu_other_segments(iommu->acpi) || iommu_make_tables(iommu, &iommu->tables[1]));
}

struct iommu *iommu_create(const struct acpi_info *acpi, const struct pci_list *list,
                           struct pages *pages, uint64_t ticks_a_second)
{
    struct iommu *iommu;

    if (acpi->iommu_count == 0)
        return NULL;
    iommu = pages_get(pages, (sizeof(*iommu) + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_SIZE);
    if (iommu != NULL) {
        iommu->acpi = acpi;
        iommu->list = list;
        iommu->pages = pages;
        iommu->amd = acpi->iommus[0].amd;
        iommu->unit_count = acpi->iommu_count;
    }
    if (iommu == NULL || !iommu_make_all(iommu)) {
        log_line("IOMMU: there is no memory for its tables: it is not used");
        return NULL;
    }
    for (uint32_t i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *u = &iommu->units[i];
        u->told = &acpi->iommus[i];
        u->why = iommu->amd
                     ? amdvi_probe(&u->amdvi, u->told->address, u->told->flags, ticks_a_second)
                     : vtd_probe(&u->vtd, u->told->address, ticks_a_second);
    }
    return iommu;
}

/* ------------------------------------------------------------------ starting */

static bool iommu_unit_remaps(const struct iommu *iommu, const struct iommu_unit *unit)
{
    return iommu->amd ? amdvi_remaps(&unit->amdvi)
                      : iommu->acpi->iommu_remaps && vtd_remaps(&unit->vtd);
}

static const char *iommu_start_unit(struct iommu *iommu, struct iommu_unit *unit)
{
    const struct iommu_tables *t = &iommu->tables[unit->told->segment != 0];
    void *pages =
        pages_get(iommu->pages, iommu->amd ? AMDVI_UNIT_PAGES : VTD_UNIT_PAGES, PAGE_SIZE);
    const struct vtd_tables tables = {
        .root = t->root,
        .interrupts = iommu_unit_remaps(iommu, unit) ? t->interrupts : NULL,
    };

    if (pages == NULL)
        return "there is no memory for its commands";
    return iommu->amd ? amdvi_start(&unit->amdvi, t->root, pages)
                      : vtd_start(&unit->vtd, &tables, pages);
}

bool iommu_blocks_interrupts(const struct iommu *iommu, const struct iommu_unit *unit)
{
    return iommu->amd || iommu_unit_remaps(iommu, unit);
}

const char *iommu_why_open(const struct iommu *iommu)
{
    for (uint32_t i = 0; iommu != NULL && i < iommu->unit_count; i++)
        if (iommu->units[i].why != NULL)
            return iommu->units[i].why;
    return NULL;
}

bool iommu_blocks_dma(const struct iommu *iommu)
{
    return iommu != NULL && iommu_why_open(iommu) == NULL;
}

bool iommu_blocks_all(const struct iommu *iommu)
{
    if (!iommu_blocks_dma(iommu))
        return false;
    for (uint32_t i = 0; i < iommu->unit_count; i++)
        if (!iommu_blocks_interrupts(iommu, &iommu->units[i]))
            return false;
    return true;
}

/* One that could not be switched on may let anything through, of devices we cannot tell apart. */
static const char *iommu_why_refused(const struct iommu *iommu, uint32_t highest_apic_id)
{
    for (uint32_t i = 0; i < iommu->unit_count; i++) {
        const struct iommu_unit *u = &iommu->units[i];
        if (u->why != NULL)
            return "an IOMMU of this machine is not on";
        if (!iommu_unit_remaps(iommu, u))
            return "an IOMMU of this machine does not remap interrupts";
        if (iommu->amd && highest_apic_id > APIC_ID_NARROW && !amdvi_x2apic(&u->amdvi))
            return "an IOMMU of this machine has no x2APIC mode, which some cores need";
    }
    if (iommu->list->left_out > 0) /* of a bridge above it, for instance */
        return "this machine has more functions than are looked at";
    return iommu->acpi->iommu_doubt ? "the firmware's table of IOMMUs is broken" : NULL;
}

void iommu_start(struct iommu *iommu, uint32_t highest_apic_id)
{
    for (uint32_t i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *u = &iommu->units[i];
        if (u->why == NULL)
            u->why = iommu_start_unit(iommu, u);
    }
    iommu->refuses = iommu_why_refused(iommu, highest_apic_id);
}

/* ------------------------------------------------------------------ whose */

/* Memory that the firmware keeps for a USB controller or a display is for before there is a driver;
 * for others it may be shared with the firmware for good. */
static bool iommu_needs_reserved(const struct pci_entry *e)
{
    return e->class >> 8 != 0x0c03 && !pci_is_display(e->class);
}

const char *iommu_refuses_all(const struct iommu *iommu)
{
    return iommu == NULL ? "this machine has no IOMMU, or the firmware has it off" : iommu->refuses;
}

const char *iommu_refuses(const struct iommu *iommu, const struct pci_entry *function)
{
    if (iommu_refuses_all(iommu) != NULL)
        return iommu_refuses_all(iommu);
    if (function->segment != 0)
        return "is not in PCI segment 0";
    if (function->is_bridge)
        return "is a bridge";
    if (iommu_find_unit(iommu->acpi, iommu->list, function) == IOMMU_NONE)
        return "belongs to no IOMMU that the firmware lists";
    const char *alias = iommu_find_alias(iommu->acpi, iommu->list, function);
    if (alias != NULL)
        return alias;
    if (iommu_needs_reserved(function) &&
        iommu_find_reserved(iommu->acpi, iommu->list, function, 0) != IOMMU_NONE)
        return "shares memory with the firmware, which reserves it";
    return NULL;
}
