/* SPDX-License-Identifier: MIT */
/*
 * config_link: reads [link NAME]: guests = NAME[:rw|:ro] ..., memory = SIZE, serial = yes | no.
 * Pure.
 */
#include "kernel/config/config_parts.h"

#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

/* What follows a guest's name. False: it is no right, and that is reported. */
static bool config_side_right(struct config_parser *p, struct span name, struct span right,
                              bool *read_only)
{
    *read_only = span_is(right, "ro");
    if (*read_only || span_is(right, "rw"))
        return true;
    errors_add(p->report, p->line,
               "'" VALUE " is not what a guest may do: write '" SPAN_FMT ":rw' or '" SPAN_FMT
               ":ro'",
               VALUE_ARGS(right), SPAN_ARGS(name), SPAN_ARGS(name));
    return false;
}

/* "rtos", "rtos:rw" or "rtos:ro" */
static bool config_read_side(struct config_parser *p, struct span word)
{
    struct config_link *link = p->link;
    const size_t colon = span_find(word, ':');
    const struct span name = {.at = word.at, .len = colon};
    bool read_only = false;

    if (name.len == 0) {
        errors_add(p->report, p->line, "'" VALUE " has no guest before it", VALUE_ARGS(word));
        return false;
    }
    if (colon < word.len && !config_side_right(p, name, span_from(word, colon + 1), &read_only))
        return false;
    if (name.len >= sizeof(p->link->sides[0].name)) { /* cut off, it might be another guest's */
        errors_add(p->report, p->line,
                   "guest name '" SPAN_FMT "' has %zu characters; the limit is %u", SPAN_ARGS(name),
                   name.len, GUEST_NAME_MAX - 1);
        return false;
    }
    for (uint32_t i = 0; i < link->side_count; i++)
        if (span_is_any_case(name, link->sides[i].name)) {
            errors_add(p->report, p->line, "guest '" SPAN_FMT "' is named twice", SPAN_ARGS(name));
            return false;
        }
    if (link->side_count == LINK_SIDES_MAX) {
        errors_add(p->report, p->line, "a link joins at most %u guests", LINK_SIDES_MAX);
        return false;
    }
    struct config_side *side = &link->sides[link->side_count++];
    fmt_print(side->name, sizeof(side->name), "%.*s", (int)name.len, name.at);
    side->read_only = read_only;
    return true;
}

/* "a : rw", "a: rw", "a :rw" */
static bool config_has_loose_colon(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] == ':' && ((i > 0 && span_is_blank(value.at[i - 1])) ||
                                   (i + 1 < value.len && span_is_blank(value.at[i + 1]))))
            return true;
    return false;
}

/* What is wrong with the signs between and in the sides, or NULL. */
static const char *config_sides_hint(struct span value)
{
    if (span_find(value, ',') < value.len)
        return "use spaces, not commas";
    if (span_find(value, ';') < value.len)
        return "use spaces, not semicolons";
    if (config_has_loose_colon(value))
        return "no space beside a colon, as in a:rw";
    if (span_find(value, '=') < value.len)
        return "use colons, as in a:rw";
    return NULL;
}

void config_read_link_guests(struct config_parser *p, struct span value)
{
    const struct config_link *link = p->link;
    const char *why = config_sides_hint(value);
    struct span rest = value;
    struct span word;
    bool any_writes = false;

    p->link->sides_line = p->line;
    if (why != NULL) {
        errors_add(p->report, p->line, "guests = '" SPAN_FMT "': %s", SPAN_ARGS(value), why);
        return;
    }
    while ((word = span_word(&rest)).len > 0)
        if (!config_read_side(p, word))
            return;
    for (uint32_t i = 0; i < link->side_count; i++)
        any_writes = any_writes || !link->sides[i].read_only;
    if (link->side_count < 2)
        errors_add(p->report, p->line, "a link joins at least two guests: name another one");
    else if (!any_writes)
        errors_add(p->report, p->line, "all sides are read-only: nobody could write");
}

void config_read_link_memory(struct config_parser *p, struct span value)
{
    uint64_t bytes, power = LINK_MEMORY_MIN;

    p->link->memory_line = p->line;
    if (!config_size(p, value, LINK_MEMORY_MIN, &bytes))
        return;
    if (bytes > LINK_MEMORY_MAX) {
        errors_add(p->report, p->line, "memory = " SPAN_FMT ": a link has at most %luM",
                   SPAN_ARGS(value), LINK_MEMORY_MAX / MIB);
        return;
    }
    while (power < bytes)
        power *= 2;
    if (power != bytes) {
        const uint64_t unit = power > MIB ? MIB : KIB;
        const char sign = power > MIB ? 'M' : 'K';
        errors_add(p->report, p->line,
                   "memory = " SPAN_FMT ": a link's memory must be a power of two: "
                   "write %lu%c or %lu%c",
                   SPAN_ARGS(value), power / 2 / unit, sign, power / unit, sign);
        return;
    }
    p->link->memory = bytes;
}

void config_read_link_serial(struct config_parser *p, struct span value)
{
    p->link->serial_line = p->line;
    p->link->serial = span_is(value, "yes");
    if (!p->link->serial && !span_is(value, "no"))
        errors_add(p->report, p->line, "serial = '" VALUE ": expected 'yes' or 'no'",
                   VALUE_ARGS(value));
}

/* Whether the guest is at one of the link's ends. */
static bool config_link_has(const struct config_link *link, uint32_t guest)
{
    for (uint32_t i = 0; i < link->side_count; i++)
        if (link->sides[i].guest == guest)
            return true;
    return false;
}

/* Told at the link with which there are too many. */
static void config_count_links(struct config_parser *p, uint32_t guest)
{
    const char *name = p->config->guests[guest].name;
    uint32_t count = 0, cables = 0;
    uint64_t memory = 0;

    for (uint32_t l = 0; l < p->config->link_count; l++) {
        const struct config_link *link = &p->config->links[l];
        if (!config_link_has(link, guest))
            continue;
        count++;
        cables += link->serial;
        memory += link->memory;
        if (count == GUEST_LINKS_MAX + 1)
            errors_add(p->report, link->sides_line, "guest '%s' has more than %u links", name,
                       GUEST_LINKS_MAX);
        if (link->serial && cables == GUEST_CABLES_MAX + 1)
            errors_add(p->report, link->serial_line, "guest '%s' has more than %u serial cable%s",
                       name, GUEST_CABLES_MAX, fmt_plural(GUEST_CABLES_MAX));
        if (memory > GUEST_LINKS_MEMORY && memory - link->memory <= GUEST_LINKS_MEMORY)
            errors_add(p->report, link->memory_line,
                       "guest '%s' has links of more than %luM in all", name,
                       GUEST_LINKS_MEMORY / MIB);
    }
}

void config_links_end(struct config_parser *p)
{
    for (uint32_t l = 0; l < p->config->link_count; l++) {
        struct config_link *link = &p->config->links[l];
        if (link->serial && link->side_count > 2)
            errors_add(p->report, link->serial_line,
                       "a serial cable joins two guests; this link has %u", link->side_count);
        for (uint32_t i = 0; i < link->side_count; i++) {
            link->sides[i].guest = config_find_guest(p->config, link->sides[i].name);
            if (link->sides[i].guest == p->config->guest_count && !p->any_skipped)
                config_unknown_guest(p, link->sides_line, link->sides[i].name);
        }
    }
    for (uint32_t g = 0; g < p->config->guest_count; g++)
        config_count_links(p, g);
}
