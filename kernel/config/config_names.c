/* SPDX-License-Identifier: MIT */
/*
 * config_names: checks the names of guests, links and files in bulkhead.conf. Pure.
 */
#include "kernel/config/config_parts.h"

#include "kernel/config/folder.h"
#include "kernel/config/guess.h"
#include "lib/string.h"

/* ---------------------------------------------------------------------- guests and links */

/* What a letter looks like in some font; signs look like nothing. */
static char config_look(char c)
{
    if (c == '0')
        return 'o';
    return c == '1' || c == 'i' || c == 'I' ? 'l' : c;
}

/*
 * Would be taken for `bulkhead` in a log: the same but for look-alikes, signs, and one letter
 * more, less or other, or two exchanged.
 */
static bool config_imitates(struct span name)
{
    char look[GUEST_NAME_MAX];
    struct span seen = {.at = look};

    for (size_t i = 0; i < name.len && seen.len < sizeof(look); i++)
        if (name.at[i] != '-' && name.at[i] != '_')
            look[seen.len++] = config_look(name.at[i]);
    return guess_distance(seen, "bulkhead") <= 1;
}

static bool config_name_legal(struct span name)
{
    bool legal = name.len > 0 && span_is_letter(name.at[0]);

    for (size_t i = 0; i < name.len; i++)
        legal = legal && (span_is_letter(name.at[i]) || span_is_digit(name.at[i]) ||
                          name.at[i] == '-' || name.at[i] == '_');
    return legal;
}

/* What all names are made of; false: this one is not, and that is reported. */
static bool config_check_letters(struct config_parser *p, const char *what, struct span name)
{
    if (name.len == 0)
        errors_add(p->report, p->line, "a %s needs a name: write [%s NAME]", what, what);
    else if (!config_name_legal(name))
        errors_add(p->report, p->line,
                   "%s name '" SPAN_FMT
                   "': use only letters, digits, '-' and '_', starting with a letter",
                   what, SPAN_ARGS(name));
    else if (name.len >= GUEST_NAME_MAX)
        errors_add(p->report, p->line, "%s name '" SPAN_FMT "' has %zu characters; the limit is %u",
                   what, SPAN_ARGS(name), name.len, GUEST_NAME_MAX - 1);
    else
        return true;
    return false;
}

static void config_name_used(struct config_parser *p, const char *what, struct span name,
                             const char *by, uint32_t line)
{
    if (name.len > 0 && span_is_any_case(name, by))
        errors_add(p->report, p->line, "%s name '" SPAN_FMT "' is already used at line %u", what,
                   SPAN_ARGS(name), line);
}

void config_check_name(struct config_parser *p, struct span name)
{
    if (config_check_letters(p, "guest", name) && config_imitates(name))
        errors_add(p->report, p->line, "a guest cannot be called '" SPAN_FMT "': %s",
                   SPAN_ARGS(name),
                   span_is_any_case(name, "bulkhead")
                       ? "that name marks Bulkhead's own lines"
                       : "it looks like 'bulkhead', which marks Bulkhead's own lines");
    for (uint32_t i = 0; i < p->config->guest_count; i++)
        config_name_used(p, "guest", name, p->config->guests[i].name, p->config->guests[i].line);
}

void config_check_link_name(struct config_parser *p, struct span name)
{
    (void)config_check_letters(p, "link", name);
    for (uint32_t i = 0; i < p->config->link_count; i++)
        config_name_used(p, "link", name, p->config->links[i].name, p->config->links[i].line);
}

uint32_t config_find_guest(const struct config *config, const char *name)
{
    uint32_t g = 0;

    while (g < config->guest_count && !span_is_any_case(span_of(name), config->guests[g].name))
        g++;
    return g;
}

void config_unknown_guest(struct config_parser *p, uint32_t line, const char *name)
{
    for (uint32_t g = 0; g < p->config->guest_count; g++)
        if (guess_is_near(span_of(name), p->config->guests[g].name)) {
            errors_add(p->report, line, "the file has no guest '%s'; did you mean '%s'?", name,
                       p->config->guests[g].name);
            return;
        }
    errors_add(p->report, line, "the file has no guest '%s'", name);
}

/* ---------------------------------------------------------------------- files */

/* Why `name` cannot be a file of Bulkhead's folder, or NULL. */
static const char *config_file_name_flaw(struct span name)
{
    static const char forbidden[] = "*?<>|:";

    if (span_find(name, '/') < name.len || span_find(name, '\\') < name.len)
        return "contains a folder; all files must be next to bulkhead.conf";
    if (span_find(name, '"') < name.len)
        return "has quotes; remove them";
    if (span_find(name, ' ') < name.len || span_find(name, '\t') < name.len)
        return "contains a space; rename the file";
    for (size_t i = 0; i < sizeof(forbidden) - 1; i++)
        if (span_find(name, forbidden[i]) < name.len)
            return "contains one of * ? < > | :, which FAT does not allow";
    if (span_is(name, ".") || span_is(name, ".."))
        return "is a folder";
    return NULL;
}

void config_file_name(struct config_parser *p, struct span name, char out[FILE_NAME_MAX])
{
    const char *flaw = config_file_name_flaw(name);

    if (flaw != NULL) {
        errors_add(p->report, p->line, "file name '" VALUE " %s", VALUE_ARGS(name), flaw);
        return;
    }
    if (name.len >= FILE_NAME_MAX) {
        errors_add(p->report, p->line,
                   "file name '" SPAN_FMT "' has %zu characters; the limit is %u", SPAN_ARGS(name),
                   name.len, FILE_NAME_MAX - 1);
        return;
    }
    memcpy(out, name.at, name.len);
    out[name.len] = '\0';
    if (folder_is_own(out)) {
        errors_add(p->report, p->line, "file name '%s' is Bulkhead's own, not a guest's", out);
        out[0] = '\0';
    }
}
