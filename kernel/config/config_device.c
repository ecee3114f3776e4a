/* SPDX-License-Identifier: MIT */
/*
 * config_device: reads the devices of a guest: devices = ITEM, ITEM ... where an ITEM is a kind or
 * an id, with the number of one of several, or the place of a PCI function. Pure.
 */
#include "kernel/config/config_parts.h"

#include "kernel/config/guess.h"
#include "lib/fmt.h"

#define HOW "write a kind ('sata'), an id ('8086:10d3') or a place ('02:00.0')"

/* Those of the boot log's words that one would give away. */
static const char *const config_device_kinds[] = {
    "nvme",  "sata",       "ide",    "storage",    "ethernet",    "network", "wireless", "usb",
    "audio", "multimedia", "serial", "encryption", "accelerator", "display", "other",
};

/* What others call them. */
static const struct {
    const char *name, *kind;
} config_device_aliases[] = {
    {"ahci", "sata"},     {"nic", "ethernet"}, {"net", "ethernet"}, {"network-card", "ethernet"},
    {"xhci", "usb"},      {"gpu", "display"},  {"vga", "display"},  {"sound", "audio"},
    {"wifi", "wireless"}, {"scsi", "storage"}, {"ssd", "nvme"},     {"disk", "sata"},
};

static struct span config_device_part(struct span word, size_t from, size_t to)
{
    return (struct span){.at = word.at + from, .len = to - from};
}

/* "8086:10d3" */
static bool config_device_id(struct span word, struct config_device *d)
{
    const size_t colon = span_find(word, ':');
    uint32_t vendor, device;

    if (colon == word.len || !span_hex_digits(config_device_part(word, 0, colon), 4, &vendor) ||
        !span_hex_digits(span_from(word, colon + 1), 4, &device))
        return false;
    d->vendor = (uint16_t)vendor;
    d->device = (uint16_t)device;
    d->by_id = true;
    return true;
}

/* "02:00.0" */
static bool config_device_place(struct span word, struct config_device *d)
{
    const size_t colon = span_find(word, ':'), dot = span_find(word, '.');
    uint32_t bus, device, function;

    if (dot == word.len || colon > dot ||
        !span_hex_digits(config_device_part(word, 0, colon), 2, &bus) ||
        !span_hex_digits(config_device_part(word, colon + 1, dot), 2, &device) ||
        !span_hex_digits(span_from(word, dot + 1), 1, &function) || device > 31 || function > 7)
        return false;
    d->bus = (uint8_t)bus;
    d->slot = (uint8_t)device;
    d->function = (uint8_t)function;
    d->by_place = true;
    return true;
}

static const char *config_device_kind(struct span word)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_device_kinds); i++)
        if (span_is(word, config_device_kinds[i]))
            return config_device_kinds[i];
    return NULL;
}

static const char *config_device_meant(struct span word)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_device_aliases); i++)
        if (span_is_any_case(word, config_device_aliases[i].name))
            return config_device_aliases[i].kind;
    for (size_t i = 0; i < ARRAY_SIZE(config_device_kinds); i++)
        if (guess_is_slip(word, config_device_kinds[i]))
            return config_device_kinds[i];
    return NULL;
}

static bool config_device_unknown(struct config_parser *p, struct span word)
{
    const char *meant = config_device_meant(word);
    struct config_device longer;

    if (word.len > 5 && config_device_place(span_from(word, 5), &longer) && word.at[4] == ':')
        errors_add(p->report, p->line,
                   "'" VALUE ": only devices of PCI segment 0 can be given away, and are written "
                   "without it",
                   VALUE_ARGS(word));
    else if (meant != NULL)
        errors_add(p->report, p->line, "'" VALUE " is no kind of device; did you mean '%s'?",
                   VALUE_ARGS(word), meant);
    else
        errors_add(p->report, p->line, "'" VALUE " is no device; " HOW, VALUE_ARGS(word));
    return false;
}

/* What follows the first word: the number of one of several, or the id that a place has to have. */
static bool config_device_rest(struct config_parser *p, struct config_device *d, struct span rest)
{
    const struct span word = span_trim(rest);
    uint64_t number;

    if (word.len == 0)
        return true;
    if (d->by_place) {
        if (config_device_id(word, d))
            return true;
        errors_add(p->report, p->line,
                   "'" VALUE " behind a device's place: only its id can stand there, as in "
                   "'02:00.0 8086:10d3'",
                   VALUE_ARGS(word));
        return false;
    }
    if (word.at[0] == '#' && span_number(span_from(word, 1), &number) && number >= 1 &&
        number <= DEVICE_NUMBER_MAX) {
        d->number = (uint32_t)number;
        return true;
    }
    errors_add(p->report, p->line,
               "'" VALUE " behind a device: only '#1', '#2' and so on can stand there; use commas "
               "between devices",
               VALUE_ARGS(word));
    return false;
}

static bool config_device_item(struct config_parser *p, struct span item, struct config_device *d)
{
    struct span rest = item;
    const struct span word = span_word(&rest);
    const char *kind = config_device_kind(word);

    if (word.len == 0) {
        errors_add(p->report, p->line, "there is no device between two commas, or behind the last");
        return false;
    }
    if (kind != NULL)
        fmt_print(d->kind, sizeof(d->kind), "%s", kind);
    else if (!config_device_id(word, d) && !config_device_place(word, d))
        return config_device_unknown(p, word);
    fmt_print(d->text, sizeof(d->text), "%.*s", (int)item.len, item.at);
    return config_device_rest(p, d, rest);
}

void config_read_devices(struct config_parser *p, struct span value)
{
    struct config_guest *g = p->guest;

    g->devices_line = p->line;
    for (bool more = true; more;) {
        const size_t comma = span_find(value, ',');
        struct config_device device = {.number = 0};

        more = comma < value.len;
        const struct span item = span_trim((struct span){.at = value.at, .len = comma});
        value = span_from(value, comma + 1);
        if (g->device_count == GUEST_DEVICES_MAX) {
            errors_add(p->report, p->line, "guest '%s' has more than %u devices", g->name,
                       GUEST_DEVICES_MAX);
            return;
        }
        if (config_device_item(p, item, &device))
            g->devices[g->device_count++] = device;
    }
}
