/* SPDX-License-Identifier: MIT */
#include "drivers/pci/pci_list.h"

#include "drivers/pci/pci_parts.h"
#include "drivers/pci/pci_words.h"
#include "lib/fmt.h"

/* PCI Local Bus Specification "Capabilities List"; PCI Express Base Specification "PCI Express
 * Extended Capabilities". */
#define CAP_FIRST    0x40
#define CAPS_MAX     48 /* as many as fit into 256 bytes */
#define EXTENDED     0x100
#define EXTENDED_END 0x1000
#define EXTENDED_MAX 960 /* as many as fit behind them */

enum pci_capability {
    CAP_POWER = 0x01,
    CAP_MSI = 0x05,
    CAP_EXPRESS = 0x10,
    CAP_MSIX = 0x11,
    CAP_AF = 0x13,
    EXTENDED_ACS = 0x000d,
};

#define POWER_STATUS        4        /* PMCSR */
#define POWER_NO_SOFT_RESET BIT32(3) /* D3hot to D0 resets nothing */
#define MSIX_SIZE           0x7ffu   /* of Message Control, in the upper half: entries less one */
#define MSIX_TABLE          4        /* where it is: offset, and the BAR in: */
#define MSIX_BAR            7u
#define EXPRESS_DEVICE      4 /* Device Capabilities */
#define EXPRESS_FLR         BIT32(28)
#define AF_CAN              (BIT32(24) | BIT32(25)) /* transactions pending is told; FLR */
#define ACS_CAPABILITY      4                       /* control in 31:16 */
#define ACS_NEEDED          (BIT32(0) | BIT32(2) | BIT32(3) | BIT32(4)) /* SV, RR, CR, UF */
#define ACS_CONTROL         16
#define ACS_DIRECT          BIT32(6) /* translated requests go past the redirections */

#define BAR_IO         BIT32(0)
#define BAR_WIDE(low)  (((low)&7) == 4)
#define BAR_PREFETCH   BIT32(3)
#define BAR_IO_FLAGS   3u
#define BAR_FLAGS      15u
#define BAR_IO_ADDRESS 0xffffu /* many have no more bits */
#define HEADER_DEVICE  0
#define HEADER_BRIDGE  1

/* ---------------------------------------------------------------- capabilities */

static struct pci_msix pci_msix(uint32_t head, uint32_t table)
{
    return (struct pci_msix){.count = (uint16_t)((head >> 16 & MSIX_SIZE) + 1),
                             .bar = table & MSIX_BAR,
                             .at = table & ~MSIX_BAR};
}

static void pci_capability(const struct pci_access *a, struct pci_entry *e, uint32_t at)
{
    const uint32_t head = pci_read(a, e->address, at);

    switch (head & 0xff) {
    case CAP_MSI:
        e->msi = true;
        break;
    case CAP_MSIX:
        if (at + MSIX_TABLE < EXTENDED)
            e->msix = pci_msix(head, pci_read(a, e->address, at + MSIX_TABLE));
        break;
    case CAP_POWER:
        if (e->reset == PCI_RESET_NONE && at + POWER_STATUS < EXTENDED &&
            !(pci_read(a, e->address, at + POWER_STATUS) & POWER_NO_SOFT_RESET))
            e->reset = PCI_RESET_POWER;
        break;
    case CAP_AF:
        if (e->reset != PCI_RESET_FLR && (head & AF_CAN) == AF_CAN)
            e->reset = PCI_RESET_AF;
        break;
    case CAP_EXPRESS:
        e->port = head >> 20 & 0xf;
        if (at + EXPRESS_DEVICE < EXTENDED &&
            (pci_read(a, e->address, at + EXPRESS_DEVICE) & EXPRESS_FLR))
            e->reset = PCI_RESET_FLR;
        break;
    default:
        break;
    }
}

/* The lists of a broken function may lead round in a circle. */
static void pci_capabilities(const struct pci_access *a, struct pci_entry *e)
{
    uint32_t at = pci_read(a, e->address, PCI_CAPABILITIES) & 0xfc;

    if (!(pci_read(a, e->address, PCI_COMMAND) & PCI_STATUS_LIST))
        return;
    for (uint32_t i = 0; i < CAPS_MAX && at >= CAP_FIRST; i++) {
        pci_capability(a, e, at);
        at = pci_read(a, e->address, at) >> 8 & 0xfc;
    }
}

/* After a reset all of it is off, and many firmwares leave it so. True: it is on. */
static bool pci_separate(const struct pci_access *a, const struct pci_entry *e)
{
    const uint32_t at = e->acs;
    const uint32_t found = pci_read(a, e->address, at);
    const uint32_t on = found | (found & ACS_NEEDED) << ACS_CONTROL;

    pci_write(a, e->address, at, on & ~(ACS_DIRECT << ACS_CONTROL));
    const uint32_t now = pci_read(a, e->address, at) >> ACS_CONTROL;
    return (now & (ACS_NEEDED | ACS_DIRECT)) == ACS_NEEDED;
}

static void pci_extended(const struct pci_access *a, struct pci_entry *e)
{
    uint32_t at = EXTENDED;

    for (uint32_t i = 0; i < EXTENDED_MAX && at >= EXTENDED; i++) {
        const uint32_t head = pci_read(a, e->address, at);
        if (head == 0 || head == UINT32_MAX)
            return;
        if ((head & 0xffff) == EXTENDED_ACS && at + ACS_CAPABILITY < EXTENDED_END) {
            e->acs = (uint16_t)(at + ACS_CAPABILITY);
            e->separates = pci_separate(a, e);
        }
        at = head >> 20 & 0xffc;
    }
}

/* ---------------------------------------------------------------- BARs */

/* What of a BAR stays 0 when ones are written. "Base Addresses", "Address Maps". */
static uint32_t pci_bar_mask(const struct pci_access *a, uint32_t function, uint32_t offset,
                             uint32_t value)
{
    pci_write(a, function, offset, UINT32_MAX);
    const uint32_t mask = pci_read(a, function, offset);
    pci_write(a, function, offset, value);
    return mask;
}

/* Returns how many BARs this one takes. */
static uint32_t pci_bar_size(const struct pci_access *a, struct pci_entry *e, uint32_t index,
                             bool has_next)
{
    struct pci_bar *bar = &e->bars[index];
    const uint32_t offset = PCI_BAR + 4 * index;
    const uint32_t low = pci_read(a, e->address, offset);
    uint64_t mask = pci_bar_mask(a, e->address, offset, low);

    if (mask == 0)
        return 1;
    if (low & BAR_IO) {
        mask &= BAR_IO_ADDRESS & ~BAR_IO_FLAGS;
        *bar = (struct pci_bar){
            .base = low & BAR_IO_ADDRESS & ~BAR_IO_FLAGS, .size = mask & -mask, .io = true};
        return 1;
    }
    bar->wide = BAR_WIDE(low) && has_next;
    bar->prefetch = (low & BAR_PREFETCH) != 0;
    bar->base = low & ~BAR_FLAGS;
    mask &= ~(uint64_t)BAR_FLAGS;
    if (bar->wide) {
        const uint32_t high = pci_read(a, e->address, offset + 4);
        mask |= (uint64_t)pci_bar_mask(a, e->address, offset + 4, high) << 32;
        bar->base |= (uint64_t)high << 32;
    }
    bar->size = mask & -mask;
    return bar->wide ? 2 : 1;
}

/* A host bridge decodes memory by its BARs on some machines: it is not touched. */
static void pci_bars(const struct pci_access *a, struct pci_entry *e, uint32_t header)
{
    const uint32_t count = header == HEADER_DEVICE ? PCI_BARS : header == HEADER_BRIDGE ? 2 : 0;
    const uint32_t command = pci_read(a, e->address, PCI_COMMAND) & PCI_COMMAND_BITS;

    if (count == 0 || pci_is_host_bridge(e->class))
        return;
    pci_write(a, e->address, PCI_COMMAND, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    for (uint32_t i = 0; i < count;)
        i += pci_bar_size(a, e, i, i + 1 < count);
    pci_write(a, e->address, PCI_COMMAND, command);
}

/* ---------------------------------------------------------------- entries */

static void pci_entry_read(const struct pci_access *a, struct pci_entry *e, uint32_t address)
{
    const uint32_t id = pci_read(a, address, PCI_ID);
    const uint32_t header = pci_read(a, address, PCI_HEADER) >> 16 & 0x7f;

    *e = (struct pci_entry){.segment = a->segment,
                            .address = address,
                            .vendor = (uint16_t)(id & 0xffff),
                            .device = (uint16_t)(id >> 16),
                            .class = pci_read(a, address, PCI_CLASS) >> 8,
                            .is_bridge = header == HEADER_BRIDGE,
                            .port = PCI_PORT_NONE};
    if (e->is_bridge) {
        const uint32_t buses = pci_read(a, address, PCI_BUSES);
        e->secondary = (uint8_t)(buses >> 8 & 0xff);
        e->subordinate = (uint8_t)(buses >> 16 & 0xff);
    }
    if (header == HEADER_DEVICE || header == HEADER_BRIDGE)
        pci_capabilities(a, e);
    if (a->extended && e->port != PCI_PORT_NONE)
        pci_extended(a, e);
    pci_bars(a, e, header);
}

void pci_list_add(struct pci_list *list, const struct pci_access *access)
{
    struct pci_walk walk = {.access = access};
    uint32_t address;

    while (pci_next(&walk, &address)) {
        if (list->count == PCI_LIST_MAX)
            list->left_out++;
        else
            pci_entry_read(access, &list->entries[list->count++], address);
    }
}

/* ---------------------------------------------------------------- words */

const char *pci_reset_text(enum pci_reset reset)
{
    switch (reset) {
    case PCI_RESET_NONE:
        return "no reset";
    case PCI_RESET_FLR:
        return "reset flr";
    case PCI_RESET_AF:
        return "reset af-flr";
    case PCI_RESET_POWER:
        return "reset power";
    case PCI_RESET_BUS:
        return "reset bus";
    }
    return "?";
}

static size_t pci_bar_text(const struct pci_bar *bar, uint32_t index, char *buf, size_t size)
{
    char bytes[24];

    if (bar->io)
        return fmt_print(buf, size, ", BAR %u %llu port%s", index, (unsigned long long)bar->size,
                         fmt_plural(bar->size));
    fmt_size(bytes, sizeof(bytes), bar->size);
    return fmt_print(buf, size, ", BAR %u %s%s%s at 0x%llx", index, bytes, bar->wide ? " wide" : "",
                     bar->prefetch ? " prefetchable" : "", (unsigned long long)bar->base);
}

static size_t pci_message_text(const struct pci_entry *e, char *buf, size_t size)
{
    size_t len = 0;

    if (!e->msi && e->msix.count == 0)
        return fmt_print(buf, size, ", no MSI");
    if (e->msi)
        len += fmt_print(buf, size, ", MSI");
    if (e->msix.count != 0)
        len += fmt_print(buf + len, size - len, ", MSI-X %u in BAR %u at 0x%x", e->msix.count,
                         e->msix.bar, e->msix.at);
    return len;
}

void pci_list_text(const struct pci_entry *e, char *buf, size_t size)
{
    size_t len = 0;

    if (e->segment != 0)
        len = fmt_print(buf, size, "%04x:", e->segment);
    len += fmt_print(buf + len, size - len, PCI_PLACE_FMT " %04x:%04x %s",
                     PCI_PLACE_ARGS(e->address), e->vendor, e->device, pci_class_word(e->class));
    if (e->is_bridge)
        len += fmt_print(buf + len, size - len, " to bus %02x-%02x", e->secondary, e->subordinate);
    len += fmt_print(buf + len, size - len, ", group %u%s%s", e->group,
                     e->port == PCI_PORT_NONE ? "" : ", PCIe", e->separates ? " with ACS" : "");
    if (e->is_bridge || pci_is_host_bridge(e->class) || pci_is_isa_bridge(e->class))
        return;
    len += pci_message_text(e, buf + len, size - len);
    len += fmt_print(buf + len, size - len, ", %s", pci_reset_text(e->reset));
    for (uint32_t i = 0; i < PCI_BARS; i++)
        if (e->bars[i].size != 0)
            len += pci_bar_text(&e->bars[i], i, buf + len, size - len);
}
