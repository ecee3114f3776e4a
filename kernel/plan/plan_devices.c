/* SPDX-License-Identifier: MIT */
/*
 * plan_devices: finds the PCI functions that guests are to have, and says why one cannot be given
 * away. Pure.
 */
#include "kernel/plan/plan_parts.h"

#include "drivers/pci/pci_words.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define PLACE_TEXT 12 /* "02:00.0" */
#define WHY_TEXT   96

#define PCI_MSIX_ALIGN 8 /* of a table */

/* Messages of a device that a guest is shown: enough for a queue a core of most guests. */
#define PLAN_MESSAGES_MAX 16

/* RAM is two rows at most, and a table cuts a BAR in three. */
_Static_assert(2 + DISKS_MAX + GUEST_LINKS_MAX + GUEST_DEVICES_MAX * (PCI_BARS + 2) <=
                   GUEST_REGIONS_MAX,
               "room for all that a guest may have");

static void plan_device_place(const struct pci_entry *e, char buf[PLACE_TEXT])
{
    fmt_print(buf, PLACE_TEXT, PCI_PLACE_FMT, PCI_PLACE_ARGS(e->address));
}

/* ------------------------------------------------------------------ which one */

static bool plan_device_fits(const struct config_device *wish, const struct pci_entry *e)
{
    if (e->segment != 0)
        return false;
    if (wish->by_place)
        return e->address == pci_address(wish->bus, wish->slot, wish->function, 0);
    if (wish->by_id)
        return e->vendor == wish->vendor && e->device == wish->device;
    return strcmp(pci_class_word(e->class), wish->kind) == 0;
}

static void plan_device_ambiguous(const struct machine *machine, const struct config_device *wish,
                                  uint32_t line, uint32_t count, struct errors *report)
{
    const struct pci_list *list = &machine->devices;
    char text[ERRORS_TEXT_MAX], place[PLACE_TEXT];
    uint32_t shown = 0;
    size_t len = 0;

    for (uint32_t i = 0; i < list->count && shown < 3; i++) {
        if (!plan_device_fits(wish, &list->entries[i]))
            continue;
        plan_device_place(&list->entries[i], place);
        len += fmt_print(text + len, sizeof(text) - len, "%s%s %04x:%04x", shown == 0 ? "" : ", ",
                         place, list->entries[i].vendor, list->entries[i].device);
        shown++;
    }
    errors_add(report, line, "'%s' fits %u devices: %s%s; write '%s #1', or an id or a place",
               wish->text, count, text, count > shown ? " ..." : "", wish->text);
}

/* The function that is wished for, or NULL and an error. */
static const struct pci_entry *plan_device_find(const struct machine *machine,
                                                const struct config_device *wish, uint32_t line,
                                                struct errors *report)
{
    const struct pci_list *list = &machine->devices;
    const struct pci_entry *found = NULL;
    uint32_t count = 0;

    for (uint32_t i = 0; i < list->count; i++)
        if (plan_device_fits(wish, &list->entries[i]) && (++count == wish->number || count == 1))
            found = &list->entries[i];
    if (count == 0) {
        errors_add(report, line, "the machine has no device '%s'", wish->text);
        return NULL;
    }
    if (wish->number > count) {
        errors_add(report, line, "'%s': the machine has only %u of them", wish->text, count);
        return NULL;
    }
    if (wish->number == 0 && count > 1) {
        plan_device_ambiguous(machine, wish, line, count, report);
        return NULL;
    }
    if (wish->by_place && wish->by_id &&
        (found->vendor != wish->vendor || found->device != wish->device)) {
        errors_add(report, line, "'%s': there is %04x:%04x now", wish->text, found->vendor,
                   found->device);
        return NULL;
    }
    return found;
}

/* ------------------------------------------------------------------ what forbids it */

struct range plan_device_pages(const struct pci_bar *bar)
{
    const uint64_t base = align_down(bar->base, PAGE_SIZE);
    uint64_t end;

    if (!align_up(bar->base + bar->size, PAGE_SIZE, &end))
        return (struct range){base, 0};
    return (struct range){base, end - base};
}

bool plan_device_is_memory(const struct pci_bar *bar)
{
    return bar->size != 0 && !bar->io;
}

/* Another function's registers lie in the pages of this BAR. */
static const struct pci_entry *plan_device_sharer(const struct machine *machine,
                                                  const struct pci_entry *e,
                                                  const struct pci_bar *bar)
{
    const struct range pages = plan_device_pages(bar);

    for (uint32_t i = 0; i < machine->devices.count; i++) {
        const struct pci_entry *other = &machine->devices.entries[i];
        for (uint32_t b = 0; b < PCI_BARS && other != e; b++)
            if (plan_device_is_memory(&other->bars[b]) &&
                range_overlaps(pages, plan_device_pages(&other->bars[b])))
                return other;
    }
    return NULL;
}

/* Two BARs of a function may share a page, and no function's lie on top of each other. */
static bool plan_device_overlaps_own(const struct pci_entry *e, const struct pci_bar *bar)
{
    for (uint32_t b = 0; b < PCI_BARS; b++)
        if (&e->bars[b] != bar && plan_device_is_memory(&e->bars[b]) &&
            range_overlaps((struct range){bar->base, bar->size},
                           (struct range){e->bars[b].base, e->bars[b].size}))
            return true;
    return false;
}

/* Memory, or registers that the hypervisor uses. */
static bool plan_device_in_the_way(const struct machine *machine, struct range pages)
{
    for (uint32_t i = 0; i < machine->range_count; i++)
        if (range_overlaps(machine->ranges[i], pages))
            return true;
    for (uint32_t i = 0; i < machine->own_count; i++)
        if (range_overlaps(machine->own[i], pages))
            return true;
    return false;
}

static bool plan_device_bars_ok(const struct machine *machine, const struct pci_entry *e,
                                char why[WHY_TEXT])
{
    char place[PLACE_TEXT];
    uint32_t usable = 0;

    for (uint32_t b = 0; b < PCI_BARS; b++) {
        const struct pci_bar *bar = &e->bars[b];
        if (!plan_device_is_memory(bar))
            continue;
        const struct pci_entry *other = plan_device_sharer(machine, e, bar);
        usable++;
        if (bar->base == 0 || !is_power_of_two(bar->size) || !is_aligned(bar->base, bar->size) ||
            bar->size > PT_OUTPUT_MAX || bar->base > PT_OUTPUT_MAX - bar->size) {
            fmt_print(why, WHY_TEXT, "the firmware gave its BAR %u no place", b);
            return false;
        }
        if (plan_device_in_the_way(machine, plan_device_pages(bar))) {
            fmt_print(why, WHY_TEXT, "its BAR %u lies where Bulkhead has memory or registers", b);
            return false;
        }
        if (plan_device_overlaps_own(e, bar)) {
            fmt_print(why, WHY_TEXT, "its BAR %u lies on another of its own", b);
            return false;
        }
        if (other != NULL) {
            plan_device_place(other, place);
            fmt_print(why, WHY_TEXT, "its BAR %u shares a page with %s", b, place);
            return false;
        }
    }
    if (usable == 0)
        fmt_print(why, WHY_TEXT, "it has no registers in memory");
    return usable > 0;
}

/* Nothing else of use may lie in these pages (PCI Local Bus Specification, "MSI-X Capability and
 * Table Structures"). */
struct range plan_device_table(const struct pci_entry *e)
{
    const struct pci_msix *m = &e->msix;
    const struct pci_bar *bar = &e->bars[m->bar % PCI_BARS];
    const struct pci_bar table = {.base = bar->base + m->at,
                                  .size = (uint64_t)m->count * PCI_MSIX_ENTRY};

    const struct range none = {0}, pages = plan_device_pages(&table);

    if (m->count == 0 || m->bar >= PCI_BARS || !plan_device_is_memory(bar) ||
        m->at % PCI_MSIX_ALIGN != 0 || m->at + table.size > bar->size)
        return none;
    for (uint32_t b = 0; b < PCI_BARS; b++)
        if (b != m->bar && plan_device_is_memory(&e->bars[b]) &&
            range_overlaps(pages, plan_device_pages(&e->bars[b])))
            return none;
    return pages;
}

/* Why no guest can have it; false: nothing forbids it. */
static bool plan_device_refuses(const struct machine *machine, const struct pci_entry *e,
                                char why[WHY_TEXT])
{
    const char *simple = NULL;

    if (e->is_bridge || e->class >> 16 == 0x06)
        simple = "is a bridge";
    else if (!e->msi && e->msix.count == 0)
        simple = "has neither MSI nor MSI-X, and interrupt lines cannot be given to guests";
    else if (!e->msi && plan_device_table(e).size == 0)
        simple = "has MSI-X only, with a table that is in none of its BARs, or beside another";
    else if (pci_is_display(e->class) && machine->has_screen)
        simple = "may be the screen that Bulkhead writes to";
    else if (e->kept != NULL)
        simple = e->kept;
    if (simple != NULL) {
        fmt_print(why, WHY_TEXT, "it %s", simple);
        return true;
    }
    return !plan_device_bars_ok(machine, e, why);
}

/* ------------------------------------------------------------------ whose it is */

/* The guest has the function, or one of its group. */
static bool plan_device_is_of(const struct plan_guest *guest, const struct pci_entry *e,
                              bool of_group)
{
    for (uint32_t d = 0; d < guest->device_count; d++) {
        const struct pci_entry *other = guest->devices[d].entry;
        if (other == e || (of_group && other->group == e->group))
            return true;
    }
    return false;
}

/* The guest before `end` (of plan->guests) that has a function of the group, or NULL. */
static const struct plan_guest *plan_device_owner(const struct plan *plan, uint32_t end,
                                                  const struct pci_entry *e, bool of_group)
{
    for (uint32_t g = 0; g < end; g++)
        if (plan_device_is_of(&plan->guests[g], e, of_group))
            return &plan->guests[g];
    return NULL;
}

static void plan_device_add(struct plan_guest *guest, const struct pci_entry *e)
{
    struct plan_device *device = &guest->devices[guest->device_count++];

    device->entry = e;
    device->own = plan_device_table(e);
    if (device->own.size != 0)
        device->messages = (uint32_t)min_u64(e->msix.count, PLAN_MESSAGES_MAX);
}

static void plan_device_take(struct plan *plan, const struct machine *machine, uint32_t g,
                             const struct config_device *wish, struct errors *report)
{
    struct plan_guest *guest = &plan->guests[g];
    const uint32_t line = guest->config->devices_line;
    const struct pci_entry *e = plan_device_find(machine, wish, line, report);
    const struct plan_guest *owner;
    char place[PLACE_TEXT], why[WHY_TEXT];

    if (e == NULL)
        return;
    plan_device_place(e, place);
    owner = plan_device_owner(plan, g + 1, e, false);
    if (owner == guest)
        errors_add(report, line, "'%s' is %s, which the guest has already", wish->text, place);
    else if (owner != NULL)
        errors_add(report, line, "'%s' is %s, which guest '%s' has (line %u)", wish->text, place,
                   owner->config->name, owner->config->devices_line);
    else if (plan_device_refuses(machine, e, why))
        errors_add(report, line, "'%s', which is %s, cannot be given to a guest: %s", wish->text,
                   place, why);
    else if ((owner = plan_device_owner(plan, g, e, true)) != NULL)
        errors_add(report, line,
                   "'%s' is %s, which is not isolated from a device of guest '%s' (line %u): they "
                   "are in group %u",
                   wish->text, place, owner->config->name, owner->config->devices_line, e->group);
    else
        plan_device_add(guest, e);
}

bool plan_has_device(const struct plan *plan, const struct pci_entry *entry)
{
    return plan_device_owner(plan, plan->guest_count, entry, false) != NULL;
}

bool plan_resets_by(const struct plan *plan, const struct pci_entry *bridge)
{
    for (uint32_t g = 0; g < plan->guest_count; g++)
        for (uint32_t d = 0; d < plan->guests[g].device_count; d++)
            if (plan->guests[g].devices[d].bridge == bridge)
                return true;
    return false;
}

/* The bridge by which a device can be reset: all that is below it is this guest's. */
static const struct pci_entry *plan_device_bridge(const struct machine *machine,
                                                  const struct plan_guest *guest,
                                                  const struct pci_entry *e)
{
    const struct pci_list *list = &machine->devices;
    const struct pci_entry *bridge = e->reset == PCI_RESET_BUS ? pci_list_bridge(list, e) : NULL;

    for (uint32_t i = 0; i < list->count && bridge != NULL; i++)
        if (pci_is_below(bridge, &list->entries[i]) &&
            !plan_device_is_of(guest, &list->entries[i], false))
            return NULL;
    return bridge;
}

static void plan_device_resets(struct plan_guest *guest, const struct machine *machine)
{
    for (uint32_t d = 0; d < guest->device_count; d++)
        guest->devices[d].bridge = plan_device_bridge(machine, guest, guest->devices[d].entry);
}

void plan_devices(struct plan *plan, const struct machine *machine, struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count; g++) {
        const struct config_guest *wish = plan->guests[g].config;
        if (wish->device_count > 0 && machine->no_devices[0] != '\0') {
            errors_add(report, wish->devices_line, "no guest can have a device: %s",
                       machine->no_devices);
            continue;
        }
        for (uint32_t d = 0; d < wish->device_count; d++)
            plan_device_take(plan, machine, g, &wish->devices[d], report);
        plan_device_resets(&plan->guests[g], machine);
    }
}
