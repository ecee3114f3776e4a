/* SPDX-License-Identifier: MIT */
/*
 * machine_text_pci: reads the lines about PCI functions of a machine file. Pure.
 */
#include "kernel/plan/machine_text_parts.h"

#include "drivers/pci/pci_words.h"
#include "lib/bits.h"
#include "lib/string.h"

#define NOT_A_LINE "has a line about a PCI function that is not of a boot log"
#define CLASSES    0x14 /* base classes that have a word, and some more */

bool machine_text_skip(struct span *line, const char *word)
{
    const size_t len = strlen(word);

    *line = span_trim(*line);
    if (line->len < len || memcmp(line->at, word, len) != 0)
        return false;
    *line = span_from(*line, len);
    return true;
}

bool machine_text_number(struct span *line, uint64_t *value)
{
    size_t len = 0;

    *line = span_trim(*line);
    while (len < line->len && (span_is_digit(line->at[len]) || span_is_letter(line->at[len])))
        len++;
    const struct span word = {.at = line->at, .len = len};
    *line = span_from(*line, len);
    return len > 1 && word.at[1] == 'x' ? span_hex(word, value) : span_number(word, value);
}

/* Takes `digits` hexadecimal ones off the front, as we print them. */
static bool machine_text_hex(struct span *line, size_t digits, uint32_t *value)
{
    const struct span word = {.at = line->at, .len = digits};

    if (line->len < digits)
        return false;
    for (size_t i = 0; i < digits; i++)
        if (span_lower(word.at[i]) != word.at[i])
            return false;
    *line = span_from(*line, digits);
    return span_hex_digits(word, digits, value);
}

/* "02:00.0", or "0001:02:00.0" in another segment than 0. */
static bool machine_text_place(struct span *line, uint32_t *segment, uint32_t *address)
{
    uint32_t bus, device, function;

    *line = span_trim(*line);
    *segment = 0;
    if (line->len > 4 && line->at[4] == ':' &&
        (!machine_text_hex(line, 4, segment) || !machine_text_skip(line, ":")))
        return false;
    if (!machine_text_hex(line, 2, &bus) || !machine_text_skip(line, ":") ||
        !machine_text_hex(line, 2, &device) || !machine_text_skip(line, ".") ||
        !machine_text_hex(line, 1, &function) || device > 31 || function > 7)
        return false;
    *address = pci_address(bus, device, function, 0);
    return true;
}

/* A class that pci_class_word() calls so: which one of several does not matter. */
static bool machine_text_class(struct span word, uint32_t *class)
{
    for (*class = 0; *class < CLASSES << 16; *class += 0x100)
        if (span_is(word, pci_class_word(*class)))
            return true;
    return false;
}

/* "128 KiB wide prefetchable at 0xfe840000" or "32 ports". */
static bool machine_text_bar(struct pci_entry *e, struct span words)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"B", 1}, {"KiB", KIB}, {"MiB", MIB}, {"GiB", GIB}, {"TiB", 1024 * GIB}};
    uint64_t index, size, factor = 0;

    if (!machine_text_number(&words, &index) || index >= PCI_BARS ||
        !machine_text_number(&words, &size) || size == 0)
        return false;
    struct pci_bar *bar = &e->bars[index];
    if (machine_text_skip(&words, "port")) {
        *bar = (struct pci_bar){.size = size, .io = true};
        return machine_text_skip(&words, "s") || words.len == 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(units) && factor == 0; i++)
        if (machine_text_skip(&words, units[i].name))
            factor = units[i].bytes;
    bar->wide = machine_text_skip(&words, "wide");
    bar->prefetch = machine_text_skip(&words, "prefetchable");
    return factor != 0 && mul_u64(size, factor, &bar->size) && machine_text_skip(&words, "at") &&
           machine_text_number(&words, &bar->base) && words.len == 0;
}

/* "5 in BAR 3 at 0x2000" */
static bool machine_text_msix(struct pci_msix *msix, struct span words)
{
    uint64_t count, bar, at;

    if (!machine_text_number(&words, &count) || !machine_text_skip(&words, "in BAR") ||
        !machine_text_number(&words, &bar) || !machine_text_skip(&words, "at") ||
        !machine_text_number(&words, &at) || words.len != 0 || count > PCI_MSIX_MAX ||
        bar > UINT8_MAX || at > UINT32_MAX)
        return false;
    *msix = (struct pci_msix){(uint16_t)count, (uint8_t)bar, (uint32_t)at};
    return true;
}

/* "PCI bridge to bus 01-02" */
static bool machine_text_bridge(struct pci_entry *e, struct span part)
{
    static const char words[] = " to bus ";
    const size_t len = sizeof(words) - 1;
    uint32_t secondary, subordinate;

    while (part.len >= len && memcmp(part.at, words, len) != 0)
        part = span_from(part, 1);
    if (part.len < len)
        return false;
    part = span_from(part, len);
    if (!machine_text_hex(&part, 2, &secondary) || !machine_text_skip(&part, "-") ||
        !machine_text_hex(&part, 2, &subordinate) || part.len != 0)
        return false;
    e->is_bridge = true;
    e->secondary = (uint8_t)secondary;
    e->subordinate = (uint8_t)subordinate;
    return true;
}

/* One of the parts between commas, behind the class. */
static bool machine_text_part(struct pci_entry *e, struct span part)
{
    uint64_t number;

    for (enum pci_reset reset = PCI_RESET_NONE; reset <= PCI_RESET_BUS; reset++)
        if (span_is(part, pci_reset_text(reset))) {
            e->reset = reset;
            return true;
        }
    if (machine_text_skip(&part, "BAR"))
        return machine_text_bar(e, part);
    if (machine_text_skip(&part, "group")) {
        if (!machine_text_number(&part, &number) || number > PCI_LIST_MAX)
            return false;
        e->group = (uint32_t)number;
        return true;
    }
    if (machine_text_skip(&part, "MSI-X"))
        return machine_text_msix(&e->msix, part);
    e->msi = e->msi || span_is(part, "MSI");
    return true; /* "PCIe with ACS" and what else there may be */
}

static bool machine_text_entry(struct pci_entry *e, struct span line)
{
    uint32_t vendor, device;

    if (!machine_text_place(&line, &e->segment, &e->address) || !machine_text_skip(&line, "") ||
        !machine_text_hex(&line, 4, &vendor) || !machine_text_skip(&line, ":") ||
        !machine_text_hex(&line, 4, &device))
        return false;
    e->vendor = (uint16_t)vendor;
    e->device = (uint16_t)device;
    for (bool first = true; line.len > 0; first = false) {
        const size_t comma = span_find(line, ',');
        const struct span part = span_trim((struct span){line.at, comma});

        line = span_from(line, comma + 1);
        if (first ? !machine_text_bridge(e, part) && !machine_text_class(part, &e->class)
                  : !machine_text_part(e, part))
            return false;
    }
    return true;
}

/* The monitor shows the list again: a new one begins where the places do not ascend. */
static bool machine_text_goes_on(const struct pci_list *list, const struct pci_entry *e)
{
    if (list->count == 0)
        return true;
    const struct pci_entry *last = &list->entries[list->count - 1];
    return e->segment > last->segment ||
           (e->segment == last->segment && e->address > last->address);
}

const char *machine_text_read_pci(struct machine *m, struct span line)
{
    struct pci_entry e = {.port = PCI_PORT_NONE};

    const bool cut = line.len >= 3 && memcmp(line.at + line.len - 3, "...", 3) == 0;

    if (!machine_text_entry(&e, line) && !cut)
        return NOT_A_LINE;
    if (cut)
        e.kept = "has a line in the machine file that is cut off";
    if (!machine_text_goes_on(&m->devices, &e))
        m->devices.count = 0;
    if (m->devices.count < PCI_LIST_MAX)
        m->devices.entries[m->devices.count++] = e;
    return NULL;
}

const char *machine_text_read_kept(struct machine *m, struct span line)
{
    uint32_t segment, address;

    if (!machine_text_place(&line, &segment, &address))
        return "has a line about a kept device that is not of a boot log";
    for (uint32_t i = 0; i < m->devices.count; i++)
        if (m->devices.entries[i].segment == segment && m->devices.entries[i].address == address)
            m->devices.entries[i].kept = "is kept, as the machine file says";
    return NULL;
}
