/* SPDX-License-Identifier: MIT */
/*
 * iommu_devices: what single devices are let through.
 */
#include "drivers/iommu/amdvi_table.h"
#include "drivers/iommu/iommu.h"
#include "drivers/iommu/iommu_find.h"
#include "drivers/iommu/regs.h"
#include "drivers/iommu/vtd_table.h"
#include "lib/assert.h"
#include "lib/log.h"

/* Domain 0 is reserved where a unit caches what is not there, and AMD-Vi's for all that is blocked.
 */
enum iommu_domain { IOMMU_DOMAIN_KEPT = 1, IOMMU_DOMAIN_GUESTS = 2 };

#define AMDVI_BITS 48 /* of four levels */

static const struct iommu_device *iommu_device(const struct iommu *iommu, uint16_t id)
{
    for (uint32_t i = 0; i < iommu->device_count; i++)
        if (iommu->devices[i].id == id)
            return &iommu->devices[i];
    return NULL;
}

/* ------------------------------------------------------------------ tables */

/* Level of the largest leaf that all units know: of 2 MiB, or 4 KiB. */
static uint32_t iommu_leaf_max(const struct iommu *iommu)
{
    for (uint32_t i = 0; i < iommu->unit_count; i++)
        if (!iommu->amd && !vtd_has_large(&iommu->units[i].vtd))
            return 1;
    return 2;
}

static enum status iommu_new_table(struct iommu *iommu, struct pagetable *pt)
{
    return pt_create(pt, iommu->amd ? &amdvi_format : &vtd_format, iommu_leaf_max(iommu),
                     iommu->pages);
}

/* All of the map is where the unit can look it up. */
static bool iommu_reaches(const struct iommu *iommu, uint32_t unit, const struct guest_map *map)
{
    const uint32_t bits = iommu->amd ? AMDVI_BITS : vtd_bits(&iommu->units[unit].vtd);
    const struct guest_region *last = &map->rows[map->count - 1];

    return map->count > 0 && (last->at.v + last->size - 1) >> bits == 0;
}

/* What pt_create() and pt_map() wrote since the pool's constant part began at `before`. */
static void iommu_flush_tables(const struct iommu *iommu, struct range before)
{
    const struct range now = pages_constant(iommu->pages);

    regs_flush((const void *)(uintptr_t)now.base, before.base - now.base);
}

static enum status iommu_fill(struct pagetable *pt, const struct guest_map *map)
{
    enum status s = OK;

    for (uint32_t i = 0; i < map->count && s == OK; i++) {
        const struct guest_region *r = &map->rows[i];
        if (r->kind == REGION_RAM || r->kind == REGION_DISK)
            s = pt_map(pt, r->at.v, r->to, r->size, r->rights & (PT_R | PT_W), PT_WRITE_BACK);
    }
    return s;
}

/* A guest's table is made for its first device. */
static enum status iommu_guest_root(struct iommu *iommu, uint32_t guest,
                                    const struct guest_map *map)
{
    const struct range before = pages_constant(iommu->pages);
    struct pagetable pt;

    if (iommu->roots[guest].v != 0)
        return OK;
    enum status s = iommu_new_table(iommu, &pt);
    if (s == OK)
        s = iommu_fill(&pt, map);
    if (s != OK)
        return s;
    iommu_flush_tables(iommu, before);
    iommu->roots[guest] = pt.root;
    return OK;
}

/* ------------------------------------------------------------------ entries */

static bool iommu_find_context(struct iommu *iommu, struct iommu_device *device)
{
    const uint32_t bus = device->id >> 8;

    if (iommu->contexts[bus] == NULL) {
        uint64_t *page = pages_get(iommu->pages, 1, PAGE_SIZE);
        if (page == NULL)
            return false;
        regs_flush(page, PAGE_SIZE);
        iommu->contexts[bus] = page;
        vtd_put_bus(iommu->tables[0].root + VTD_PAIR * bus, page);
    }
    device->entry = iommu->contexts[bus] + VTD_PAIR * (device->id & 0xff);
    return true;
}

static enum status iommu_find_entries(struct iommu *iommu, struct iommu_device *device)
{
    if (iommu->amd) {
        device->entry = iommu->tables[0].root + (size_t)device->id * AMDVI_DEVICE_WORDS;
        if (device->messages == 0)
            return OK;
        device->interrupts = pages_get(iommu->pages, 1, PAGE_SIZE);
        return device->interrupts != NULL ? OK : FAIL(E_NOMEM, "no page for interrupts");
    }
    if (!iommu_find_context(iommu, device))
        return FAIL(E_NOMEM, "no page for a context table");
    if (device->messages > VTD_INTERRUPTS - iommu->interrupts_used)
        return FAIL(E_RANGE, "more than %u interrupts of devices", VTD_INTERRUPTS);
    device->first = iommu->interrupts_used;
    device->interrupts = iommu->tables[0].interrupts + VTD_PAIR * device->first;
    iommu->interrupts_used += device->messages;
    return OK;
}

/* Prepares a device whose `root` and `domain` are known. */
static enum status iommu_add(struct iommu *iommu, struct iommu_device device)
{
    const struct iommu_unit *unit = &iommu->units[device.unit];

    if (iommu->device_count == IOMMU_DEVICES_MAX)
        return FAIL(E_RANGE, "more than %u devices", IOMMU_DEVICES_MAX);
    if (!iommu->amd && device.domain >= vtd_domains(&unit->vtd))
        return FAIL(E_RANGE, "its IOMMU has %u domains only", vtd_domains(&unit->vtd));
    enum status s = iommu_find_entries(iommu, &device);
    if (s != OK)
        return s;
    if (!iommu->amd)
        vtd_prepare(device.entry, device.root, device.domain);
    iommu->devices[iommu->device_count++] = device;
    return OK;
}

static void iommu_let(struct iommu *iommu, const struct iommu_device *device, bool open)
{
    const struct amdvi_grant grant = {
        .root = device->root,
        .empty = iommu->empty,
        .domain = device->domain,
        .table = device->interrupts,
    };

    if (iommu->amd && open)
        amdvi_open(device->entry, &grant);
    else if (iommu->amd)
        amdvi_close(device->entry, &grant);
    else if (open)
        vtd_open(device->entry);
    else
        vtd_close(device->entry);
}

/* ------------------------------------------------------------------ at boot */

enum status iommu_keep(struct iommu *iommu, const struct pci_entry *display,
                       const struct range *ranges, uint32_t count)
{
    const struct range before = pages_constant(iommu->pages);
    const uint32_t unit = iommu_find_unit(iommu->acpi, iommu->list, display);
    struct pagetable pt;

    if (unit == IOMMU_NONE || display->segment != 0)
        return FAIL(E_UNSUPPORTED, "the display belongs to no IOMMU");
    enum status s = iommu_new_table(iommu, &pt);
    for (uint32_t i = 0; i < count && s == OK; i++)
        s = pt_map(&pt, ranges[i].base, hpa(ranges[i].base), ranges[i].size, PT_R | PT_W,
                   PT_WRITE_BACK);
    if (s != OK)
        return s;
    iommu_flush_tables(iommu, before);
    s = iommu_add(iommu, (struct iommu_device){.id = iommu_id_of(display),
                                               .unit = unit,
                                               .guest = IOMMU_NOBODY,
                                               .domain = IOMMU_DOMAIN_KEPT,
                                               .root = pt.root});
    if (s == OK)
        iommu_let(iommu, &iommu->devices[iommu->device_count - 1], true);
    return s;
}

enum status iommu_assign(struct iommu *iommu, const struct pci_entry *function, uint32_t messages,
                         uint32_t guest, const struct guest_map *map)
{
    ASSERT(iommu_refuses(iommu, function) == NULL);
    ASSERT(iommu_device(iommu, iommu_id_of(function)) == NULL);
    if (guest >= IOMMU_GUESTS_MAX || messages > IOMMU_MESSAGES_MAX)
        return FAIL(E_RANGE, "guest %u with %u interrupts of a device: there is no room", guest,
                    messages);
    const uint32_t unit = iommu_find_unit(iommu->acpi, iommu->list, function);
    if (!iommu_reaches(iommu, unit, map))
        return FAIL(E_RANGE, "the guest has memory that its device's IOMMU cannot address");
    enum status s = iommu_guest_root(iommu, guest, map);
    if (s != OK)
        return s;
    return iommu_add(iommu, (struct iommu_device){.id = iommu_id_of(function),
                                                  .unit = unit,
                                                  .guest = guest,
                                                  .domain = IOMMU_DOMAIN_GUESTS + guest,
                                                  .root = iommu->roots[guest],
                                                  .messages = messages});
}

/* ------------------------------------------------------------------ at run time */

/* All units of the segment are told, in case the firmware named the wrong one. */
static bool iommu_forget(struct iommu *iommu, const struct iommu_device *device)
{
    bool all = true;

    for (uint32_t i = 0; i < iommu->unit_count; i++) {
        struct iommu_unit *u = &iommu->units[i];
        if (u->told->segment != 0)
            continue;
        if (iommu->amd)
            all = amdvi_forget_device(&u->amdvi, device->id, device->domain) && all;
        else
            all = vtd_forget_device(&u->vtd, device->id, device->domain) && all;
    }
    return all;
}

static bool iommu_change(struct iommu *iommu, uint16_t id, bool open)
{
    const struct iommu_device *device = iommu_device(iommu, id);

    ASSERT(device != NULL && device->guest != IOMMU_NOBODY);
    lock_take(&iommu->lock);
    iommu_let(iommu, device, open);
    const bool done = iommu_forget(iommu, device);
    lock_release(&iommu->lock);
    return done;
}

bool iommu_open(struct iommu *iommu, uint16_t id)
{
    return iommu_change(iommu, id, true);
}

bool iommu_close(struct iommu *iommu, uint16_t id)
{
    return iommu_change(iommu, id, false);
}

void iommu_message(const struct iommu *iommu, uint16_t id, uint32_t index, uint32_t *address,
                   uint32_t *data)
{
    const struct iommu_device *device = iommu_device(iommu, id);

    ASSERT(device != NULL && index < device->messages);
    if (iommu->amd)
        amdvi_message(index, address, data);
    else
        vtd_message(device->first + index, address, data);
}

bool iommu_route(struct iommu *iommu, uint16_t id, uint32_t index, uint32_t apic_id, uint8_t vector)
{
    const struct iommu_device *device = iommu_device(iommu, id);
    bool done;

    ASSERT(device != NULL && index < device->messages);
    struct iommu_unit *unit = &iommu->units[device->unit];
    uint64_t *pair = device->interrupts + VTD_PAIR * index;
    lock_take(&iommu->lock);
    if (iommu->amd) {
        amdvi_put_interrupt(pair, apic_id, vector);
        done = amdvi_forget_interrupts(&unit->amdvi, id);
    } else {
        vtd_put_interrupt(pair, id, apic_id, vector);
        done = vtd_forget_interrupt(&unit->vtd, device->first + index);
    }
    lock_release(&iommu->lock);
    return done;
}

uint32_t iommu_faults(struct iommu *iommu, struct iommu_fault *faults, uint32_t room)
{
    uint32_t found = 0;

    lock_take(&iommu->lock);
    for (uint32_t i = 0; i < iommu->unit_count && found < room; i++) {
        struct iommu_unit *u = &iommu->units[(iommu->next_unit + i) % iommu->unit_count];
        const uint32_t before = found;
        if (u->why != NULL)
            continue;
        found += iommu->amd ? amdvi_faults(&u->amdvi, faults + found, room - found)
                            : vtd_faults(&u->vtd, faults + found, room - found);
        for (uint32_t k = before; k < found; k++)
            faults[k].segment = u->told->segment;
    }
    iommu->next_unit =
        (iommu->next_unit + 1) % iommu->unit_count; /* one that has many is not all */
    lock_release(&iommu->lock);
    return found;
}

uint32_t iommu_guest_of(const struct iommu *iommu, const struct iommu_fault *fault)
{
    const struct iommu_device *device = iommu_device(iommu, fault->id);

    return fault->kind == IOMMU_FAULT_UNIT || fault->segment != 0 || device == NULL ? IOMMU_NOBODY
                                                                                    : device->guest;
}
