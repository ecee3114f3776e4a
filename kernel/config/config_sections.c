/* SPDX-License-Identifier: MIT */
/*
 * config_sections: the headers of bulkhead.conf. Pure.
 */
#include "kernel/config/config_parts.h"

#include "kernel/config/guess.h"
#include "lib/fmt.h"
#include "lib/string.h"

void config_begin_section(struct config_parser *p, enum config_section section)
{
    p->section = section;
    p->any_skipped = p->any_skipped || section == SECTION_SKIPPED;
    p->excused = 0;
    memset(p->key_lines, 0, sizeof(p->key_lines));
}

static void config_begin_machine(struct config_parser *p)
{
    config_begin_section(p, SECTION_MACHINE);
    if (p->machine_line != 0)
        errors_add(p->report, p->line, "a second [machine] section; the first is at line %u",
                   p->machine_line);
    else
        p->machine_line = p->line;
}

static void config_begin_guest(struct config_parser *p, struct span name)
{
    if (p->config->guest_count == GUESTS_MAX) {
        errors_add(p->report, p->line, "guest '" SPAN_FMT "' is one too many; the limit is %u",
                   SPAN_ARGS(name), GUESTS_MAX);
        config_begin_section(p, SECTION_SKIPPED);
        return;
    }
    config_begin_section(p, SECTION_GUEST);
    config_check_name(p, name);

    struct config_guest *g = &p->config->guests[p->config->guest_count++];
    p->guest = g;
    fmt_print(g->name, sizeof(g->name), "%.*s", (int)name.len, name.at);
    g->line = p->line;
    g->cores.count = 1;
    g->cores.line = g->memory_line = g->image_line = g->initrd_line = g->cmdline_line = p->line;
    g->on_crash = CRASH_STOP;
    if (name.len == 0)
        p->excused = UINT32_MAX; /* what else it lacks has no name to be told under */
}

static void config_begin_link(struct config_parser *p, struct span name)
{
    if (p->config->link_count == LINKS_MAX) {
        errors_add(p->report, p->line, "link '" SPAN_FMT "' is one too many; the limit is %u",
                   SPAN_ARGS(name), LINKS_MAX);
        config_begin_section(p, SECTION_SKIPPED);
        return;
    }
    config_begin_section(p, SECTION_LINK);
    config_check_link_name(p, name);

    struct config_link *link = &p->config->links[p->config->link_count++];
    p->link = link;
    fmt_print(link->name, sizeof(link->name), "%.*s", (int)name.len, name.at);
    link->line = link->sides_line = link->memory_line = link->serial_line = p->line;
    if (name.len == 0)
        p->excused = UINT32_MAX;
}

/* A header that is none, and what it may be meant to be. */
static void config_unknown_section(struct config_parser *p, struct span inside, struct span kind,
                                   struct span name)
{
    static const char *const named[] = {"guest", "link"};

    config_begin_section(p, SECTION_SKIPPED);
    inside = span_trim(inside);
    for (size_t i = 0; i < ARRAY_SIZE(named); i++)
        if (guess_is_slip(kind, named[i])) {
            errors_add(p->report, p->line,
                       "unknown section '" SPAN_FMT "'; did you mean '%s " SPAN_FMT "'?",
                       SPAN_ARGS(inside), named[i], SPAN_ARGS(name));
            return;
        }
    if (guess_is_slip(kind, "machine") && name.len == 0)
        errors_add(p->report, p->line, "unknown section '" SPAN_FMT "'; did you mean 'machine'?",
                   SPAN_ARGS(inside));
    else
        errors_add(p->report, p->line,
                   "unknown section '" SPAN_FMT "'; the sections are [machine], " GUEST_SECTION
                   " and " LINK_SECTION,
                   SPAN_ARGS(inside));
}

void config_read_header(struct config_parser *p, struct span line)
{
    size_t close = span_find(line, ']');
    struct span inside = {.at = line.at + 1, .len = close - 1};
    struct span name = inside;
    struct span kind = span_word(&name);

    if (close == line.len || close + 1 != line.len) {
        errors_add(p->report, p->line,
                   close == line.len ? "the section's ']' is missing"
                                     : "text after the section's ']': put it on its own line");
        config_begin_section(p, SECTION_SKIPPED);
        return;
    }
    name = span_trim(name);
    if (span_is(kind, "machine") && name.len == 0) {
        config_begin_machine(p);
        return;
    }
    if (span_is(kind, "guest"))
        config_begin_guest(p, name);
    else if (span_is(kind, "link"))
        config_begin_link(p, name);
    else
        config_unknown_section(p, inside, kind, name);
}
