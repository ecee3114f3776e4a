/* SPDX-License-Identifier: MIT */
/*
 * plan_devices_place: gives the registers of a guest's devices places in its memory, and puts
 * memory of ours in the place of their MSI-X tables. Pure.
 */
#include "kernel/plan/plan_parts.h"

#include "drivers/pci/pci_words.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "vdev/vpci.h"

static void plan_device_row(struct plan_guest *guest, const struct plan_device *device, uint64_t at,
                            struct range host)
{
    if (host.size > 0)
        guest_map_add_device(&guest->map, gpa(at), hpa(host.base), host.size,
                             pci_class_word(device->entry->class));
}

/* In the place of the MSI-X table, where it has one, is memory of ours at `tables`. */
static void plan_device_enter(struct plan_guest *guest, struct plan_device *device, uint32_t b,
                              uint64_t at, hpa_t tables)
{
    const struct pci_bar *bar = &device->entry->bars[b];
    const struct range pages = plan_device_pages(bar);

    device->bars[b] = gpa(at + bar->base - pages.base);
    if (device->messages == 0 || device->entry->msix.bar != b) {
        plan_device_row(guest, device, at, pages);
        return;
    }
    const uint64_t before = device->own.base - pages.base, end = before + device->own.size;

    device->table = gpa(device->bars[b].v + device->entry->msix.at);
    plan_device_row(guest, device, at, (struct range){pages.base, before});
    guest_map_add_table(&guest->map, gpa(at + before), tables, device->own.size,
                        pci_class_word(device->entry->class));
    plan_device_row(guest, device, at + end, (struct range){pages.base + end, pages.size - end});
}

/* True: a small BAR lies in a page that the guest has by another of the device's, and is there. */
static bool plan_device_is_there(struct plan_device *device, uint32_t b)
{
    const uint64_t base = device->entry->bars[b].base;

    for (uint32_t i = 0; i < PCI_BARS; i++) {
        if (device->bars[i].v == 0 ||
            align_down(device->entry->bars[i].base, PAGE_SIZE) != align_down(base, PAGE_SIZE))
            continue;
        device->bars[b] = gpa(align_down(device->bars[i].v, PAGE_SIZE) + base % PAGE_SIZE);
        return true;
    }
    return false;
}

/* The largest BAR without a place, of all devices of the guest; false: there is none. */
static bool plan_device_largest(const struct plan_guest *guest, uint32_t *device, uint32_t *b)
{
    uint64_t most = 0;

    for (uint32_t d = 0; d < guest->device_count; d++)
        for (uint32_t i = 0; i < PCI_BARS; i++) {
            const struct pci_bar *bar = &guest->devices[d].entry->bars[i];
            if (!plan_device_is_memory(bar) || guest->devices[d].bars[i].v != 0 ||
                bar->size <= most)
                continue;
            most = bar->size;
            *device = d;
            *b = i;
        }
    return most > 0;
}

/* The first free address behind the windows of links. */
static uint64_t plan_device_first(const struct plan_guest *guest)
{
    uint64_t at = VPCI_MEMORY_FIRST;

    for (uint32_t i = 0; i < guest->map.count; i++)
        if (guest->map.rows[i].kind == REGION_SHARED)
            at = max_u64(at, guest->map.rows[i].at.v + guest->map.rows[i].size);
    return at;
}

uint64_t plan_devices_tables(const struct plan_guest *guest)
{
    uint64_t size = 0;

    for (uint32_t d = 0; d < guest->device_count; d++)
        size += guest->devices[d].own.size;
    return size;
}

/* Largest first: each is aligned to its size, as a BAR has to be. */
void plan_devices_place(struct plan_guest *guest, hpa_t tables, struct errors *report)
{
    uint64_t at = plan_device_first(guest);
    uint32_t d = 0, b = 0;

    while (plan_device_largest(guest, &d, &b)) {
        const uint64_t size = max_u64(guest->devices[d].entry->bars[b].size, PAGE_SIZE);
        char text[24];

        if (plan_device_is_there(&guest->devices[d], b))
            continue;
        if (!align_up(at, size, &at) || at > VPCI_MEMORY_LAST || size > VPCI_MEMORY_LAST + 1 - at) {
            fmt_size(text, sizeof(text), size);
            errors_add(report, guest->config->devices_line,
                       "guest '%s' has no room below 4 GiB for BAR %u (%s) of " PCI_PLACE_FMT,
                       guest->config->name, b, text,
                       PCI_PLACE_ARGS(guest->devices[d].entry->address));
            return;
        }
        plan_device_enter(guest, &guest->devices[d], b, at, tables);
        if (guest->devices[d].entry->msix.bar == b)
            tables.v += guest->devices[d].own.size;
        at += size;
    }
}
