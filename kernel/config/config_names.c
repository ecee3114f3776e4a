/* SPDX-License-Identifier: MIT */
/*
 * config_names: the names in bulkhead.conf, of guests and of files: which are allowed. Pure.
 */
#include "kernel/config/config_parts.h"

#include "kernel/config/folder.h"
#include "kernel/config/guess.h"
#include "lib/string.h"

/* ---------------------------------------------------------------------- guests */

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

void config_check_name(struct config_parser *p, struct span name)
{
    if (name.len == 0)
        errors_add(p->report, p->line, "a guest needs a name: write " GUEST_SECTION);
    else if (!config_name_legal(name))
        errors_add(p->report, p->line,
                   "guest name '" SPAN_FMT
                   "': use letters, digits, '-' and '_' only, a letter first",
                   SPAN_ARGS(name));
    else if (name.len >= GUEST_NAME_MAX)
        errors_add(p->report, p->line,
                   "guest name '" SPAN_FMT "' has %zu characters; the limit is %u", SPAN_ARGS(name),
                   name.len, GUEST_NAME_MAX - 1);
    else if (config_imitates(name))
        errors_add(p->report, p->line, "a guest cannot be called '" SPAN_FMT "': %s",
                   SPAN_ARGS(name),
                   span_is_any_case(name, "bulkhead")
                       ? "that name marks Bulkhead's own lines"
                       : "it looks like 'bulkhead', which marks Bulkhead's own lines");
    for (uint32_t i = 0; i < p->config->guest_count; i++)
        if (name.len > 0 && span_is_any_case(name, p->config->guests[i].name))
            errors_add(p->report, p->line, "guest name '" SPAN_FMT "' is taken by line %u",
                       SPAN_ARGS(name), p->config->guests[i].line);
}

/* ---------------------------------------------------------------------- files */

/* Why `name` cannot be a file of Bulkhead's folder, or NULL. */
static const char *config_file_name_flaw(struct span name)
{
    static const char forbidden[] = "*?<>|:";

    if (span_find(name, '/') < name.len || span_find(name, '\\') < name.len)
        return "has a folder in it; all files lie beside bulkhead.conf";
    if (span_find(name, '"') < name.len)
        return "has quotes; write it without";
    if (span_find(name, ' ') < name.len || span_find(name, '\t') < name.len)
        return "has a space in it; rename the file";
    for (size_t i = 0; i < sizeof(forbidden) - 1; i++)
        if (span_find(name, forbidden[i]) < name.len)
            return "has one of * ? < > | : in it, which FAT does not allow";
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
