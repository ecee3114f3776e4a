/* SPDX-License-Identifier: MIT */
#include "kernel/start/dma_block.h"

#include "drivers/iommu/iommu_find.h"
#include "drivers/pci/pci_words.h"
#include "kernel/core/machine_lines.h"
#include "kernel/plan/machine_text.h"
#include "lib/fmt.h"
#include "lib/log.h"

_Static_assert(GUESTS_MAX <= IOMMU_GUESTS_MAX, "each may have devices");

/* PCI Local Bus Specification "Command Register": memory, and bus master. */
#define PCI_COMMAND_WORD   1 /* of configuration space, in doublewords */
#define PCI_COMMAND_LOW    0xffffu
#define PCI_COMMAND_PASSES 6u

/* What the firmware reserves for a display is where its picture may come from. Where it reserves
 * memory that is somebody else's too, the display does without. */
static void dma_keep_display(struct start_state *start, const struct pci_entry *display)
{
    struct range ranges[ACPI_RESERVED_MAX];
    uint32_t count = 0;
    uint32_t i = iommu_find_reserved(&start->acpi, &start->machine.devices, display, 0);

    for (; i != IOMMU_NONE;
         i = iommu_find_reserved(&start->acpi, &start->machine.devices, display, i + 1)) {
        const struct acpi_reserved *r = &start->acpi.reserved[i];
        if (r->apart)
            ranges[count++] = (struct range){r->base, r->size};
        else
            log_line("IOMMU: the firmware reserves 0x%llx for a display, which is RAM: blocked",
                     (unsigned long long)r->base);
    }
    if (count > 0 && iommu_keep(start->iommu, display, ranges, count) == OK)
        log_line("IOMMU: display " PCI_PLACE_FMT
                 " reaches the %u range%s that the firmware reserves "
                 "for it, and nothing else",
                 PCI_PLACE_ARGS(display->address), count, count == 1 ? "" : "s");
}

static uint32_t dma_highest_apic_id(const struct machine *machine)
{
    uint32_t highest = 0;

    for (uint32_t i = 0; i < machine->core_count; i++)
        if (machine->apic_ids[i] > highest)
            highest = machine->apic_ids[i];
    return highest;
}

static void dma_say(const struct iommu *iommu, const struct iommu_unit *unit)
{
    const char *name = iommu->amd ? "AMD-Vi" : "VT-d";
    const unsigned long long at = unit->told->address.v;

    if (unit->why != NULL)
        log_line("IOMMU: %s at 0x%llx is not used: %s", name, at, unit->why);
    else
        log_line("IOMMU: %s at 0x%llx is on: %s of all devices blocked", name, at,
                 iommu_blocks_interrupts(iommu, unit) ? "DMA and interrupts" : "DMA");
}

/* What a plan has to know. */
static void dma_judge(struct start_state *start)
{
    struct machine *machine = &start->machine;
    const char *why = iommu_refuses_all(start->iommu);

    if (why == NULL && start->ecam.v == 0)
        why = "the firmware gives no configuration space in memory (MCFG)";
    if (why != NULL)
        fmt_print(machine->no_devices, sizeof(machine->no_devices), "%s", why);
    for (uint32_t i = 0; i < machine->devices.count && why == NULL; i++) {
        struct pci_entry *e = &machine->devices.entries[i];
        if (e->kept == NULL)
            e->kept = iommu_refuses(start->iommu, e);
    }
}

static void dma_start(struct start_state *start)
{
    start->iommu =
        iommu_create(&start->acpi, &start->machine.devices, &start->pages, start->tsc.hz);
    if (start->iommu == NULL)
        return;
    for (uint32_t i = 0; i < start->machine.devices.count && start->machine.has_screen; i++)
        if (pci_is_display(start->machine.devices.entries[i].class))
            dma_keep_display(start, &start->machine.devices.entries[i]);
    iommu_start(start->iommu, dma_highest_apic_id(&start->machine));
    for (uint32_t i = 0; i < start->iommu->unit_count; i++)
        dma_say(start->iommu, &start->iommu->units[i]);
}

void dma_block(struct start_state *start)
{
    dma_start(start);
    dma_judge(start);
    machine_text_print(&start->machine, machine_lines_say);
}

static void dma_open_bridge(const struct start_state *start, const struct pci_entry *bridge)
{
    volatile uint32_t *command =
        (volatile uint32_t *)(uintptr_t)(start->ecam.v + bridge->address) + PCI_COMMAND_WORD;

    *command = (*command & PCI_COMMAND_LOW) | PCI_COMMAND_PASSES; /* 0 clears no error */
}

void dma_open_bridges(const struct start_state *start, const struct plan *plan)
{
    const struct pci_list *list = &start->machine.devices;

    for (uint32_t i = 0; i < list->count; i++)
        for (uint32_t k = 0; k < list->count; k++)
            if (pci_is_below(&list->entries[i], &list->entries[k]) &&
                plan_has_device(plan, &list->entries[k])) {
                dma_open_bridge(start, &list->entries[i]);
                break;
            }
}
