/* SPDX-License-Identifier: MIT */
#include "kernel/start/memory_map.h"

#include "lib/bits.h"
#include "lib/log.h"

#define IOAPIC_SIZE 0x20 /* index and data register */

static struct range ram_range(const struct boot_range *r)
{
    return (struct range){r->base, r->size};
}

/* From `base` to the end of the processor's address space. */
static struct range ram_from(const struct ram_list *list, uint64_t base)
{
    const uint64_t end = list->physical_bits < 64 ? BIT64(list->physical_bits) : UINT64_MAX;

    return (struct range){base, end - base};
}

/* Removes the smallest row if it is smaller than `size`. */
static bool memory_map_make_room(struct range_list *list, uint64_t size)
{
    uint32_t smallest = 0;

    for (uint32_t i = 1; i < list->count; i++)
        if (list->rows[i].size < list->rows[smallest].size)
            smallest = i;
    return list->count > 0 && list->rows[smallest].size < size &&
           range_list_remove(list, list->rows[smallest]);
}

void memory_map_find(struct machine *machine, const struct ram_list *list)
{
    const uint32_t max = MACHINE_RANGES_MAX - RAM_ROWS_SPARE;
    struct range_list rows = {0, max, machine->ranges};
    uint64_t beyond = 0;
    uint32_t left_out = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        const struct range all = ram_range(&list->ranges[i]);
        const struct range r = range_intersect(all, ram_from(list, RAM_LOW_END));
        if (list->ranges[i].kind != BOOT_RAM_FREE)
            continue;
        beyond += all.size - range_intersect(all, ram_from(list, 0)).size;
        if (range_list_add(&rows, r))
            continue;
        left_out++; /* this one, or one that is smaller */
        if (rows.count == max && memory_map_make_room(&rows, r.size) && !range_list_add(&rows, r))
            left_out++;
    }
    machine->range_count = rows.count;
    if (left_out)
        log_line("memory is in more than %u pieces: %u of the smallest not used", max, left_out);
    if (beyond)
        log_line("the firmware lists %llu KiB of memory beyond the %u address bits of this "
                 "processor: not used",
                 (unsigned long long)(beyond / KIB), list->physical_bits);
}

bool memory_map_readable(const struct ram_list *list, struct range where)
{
    const struct range low = {0, RAM_LOW_END};

    if (!range_valid(where) || !range_contains(ram_from(list, 0), where))
        return false;
    if (range_contains(low, where))
        return true; /* EBDA and BIOS area are not always listed */
    for (uint32_t i = 0; i < list->count; i++) {
        const uint32_t kind = list->ranges[i].kind;
        if (kind != BOOT_RAM_BAD && kind != BOOT_RAM_MMIO &&
            range_contains(ram_range(&list->ranges[i]), where))
            return true;
    }
    return false;
}

/* Any byte of `where` is memory. What the firmware keeps for itself may be registers. */
static bool ram_touches(const struct ram_list *list, struct range where)
{
    if (range_overlaps((struct range){0, RAM_LOW_END}, where))
        return true;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint32_t kind = list->ranges[i].kind;
        if (kind != BOOT_RAM_FIRMWARE && kind != BOOT_RAM_MMIO &&
            range_overlaps(ram_range(&list->ranges[i]), where))
            return true;
    }
    return false;
}

void memory_map_check_ioapics(struct acpi_info *acpi, const struct ram_list *list)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < acpi->ioapic_count; i++) {
        const struct acpi_ioapic a = acpi->ioapics[i];
        if (!ram_touches(list, (struct range){a.address.v, IOAPIC_SIZE}))
            acpi->ioapics[kept++] = a;
        else
            log_line("acpi: the I/O APIC at 0x%llx overlaps RAM: not used",
                     (unsigned long long)a.address.v);
    }
    acpi->ioapic_count = kept;
}

struct range memory_map_ecam(const struct acpi_ecam *e)
{
    return (struct range){e->address.v + e->first_bus * (uint64_t)ACPI_ECAM_BUS,
                          (e->last_bus - e->first_bus + UINT64_C(1)) * ACPI_ECAM_BUS};
}

void memory_map_check_ecams(struct acpi_info *acpi, const struct ram_list *list)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < acpi->ecam_count; i++) {
        const struct acpi_ecam e = acpi->ecams[i];
        if (!ram_touches(list, memory_map_ecam(&e)))
            acpi->ecams[kept++] = e;
        else
            log_line("acpi: the configuration space of PCI segment %u at 0x%llx overlaps RAM: not "
                     "used",
                     e.segment, (unsigned long long)e.address.v);
    }
    acpi->ecam_count = kept;
}

void memory_map_check_iommus(struct acpi_info *acpi, const struct ram_list *list)
{
    for (uint32_t i = acpi->iommu_count; i-- > 0;) {
        const struct acpi_iommu *u = &acpi->iommus[i];
        if (!ram_touches(list, (struct range){u->address.v, acpi_iommu_size(u)}))
            continue;
        log_line("acpi: the IOMMU at 0x%llx overlaps RAM: not used",
                 (unsigned long long)u->address.v);
        acpi_iommu_drop(acpi, i);
    }
}

void memory_map_check_functions(struct pci_list *functions, const struct ram_list *list)
{
    for (uint32_t i = 0; i < functions->count; i++)
        for (uint32_t b = 0; b < PCI_BARS; b++) {
            const struct pci_bar *bar = &functions->entries[i].bars[b];
            if (bar->size != 0 && !bar->io && bar->base != 0 &&
                ram_touches(list, (struct range){bar->base, bar->size}))
                functions->entries[i].kept = "has registers where the firmware has RAM";
        }
}

void memory_map_check_reserved(struct acpi_info *acpi, const struct ram_list *list)
{
    for (uint32_t i = 0; i < acpi->reserved_count; i++) {
        struct acpi_reserved *r = &acpi->reserved[i];
        r->apart = !ram_touches(list, (struct range){r->base, r->size});
    }
}

void memory_map_check_reset(struct acpi_info *acpi, const struct ram_list *list)
{
    const struct range where = {acpi->reset_memory.v, 1};
    const struct range mappable = {0, BIT64(47)}; /* mm/hostmap.c: the lower half */

    if (!acpi->has_reset || acpi->reset_port != 0 ||
        (range_contains(ram_from(list, 0), where) && range_contains(mappable, where) &&
         !ram_touches(list, where)))
        return;
    log_line("acpi: the reset register at 0x%llx overlaps RAM or is out of reach: not used",
             (unsigned long long)where.base);
    acpi->has_reset = false;
}

_Static_assert(ACPI_NEAR_MAX <= MACHINE_NEAR_MAX, "all rows have room");

void memory_map_near(struct machine *machine, const struct acpi_info *acpi)
{
    for (uint32_t i = 0; i < acpi->near_count; i++)
        machine->near[i] = (struct machine_near){
            .where = {acpi->near[i].base, acpi->near[i].size},
            .node = acpi->near[i].node,
        };
    machine->near_count = acpi->near_count;
}
