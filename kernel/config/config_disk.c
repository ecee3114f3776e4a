/* SPDX-License-Identifier: MIT */
/*
 * config_disk: reads the disks of a guest: disk = FILE [ro] [fresh]. Pure.
 */
#include "kernel/config/config_parts.h"

#include "kernel/config/guess.h"

/* The flag that `word` sets, or NULL and an error. */
static bool *config_disk_option(struct config_parser *p, struct config_disk *disk, struct span word)
{
    const struct {
        const char *name;
        bool *flag;
    } options[] = {{"ro", &disk->read_only}, {"fresh", &disk->fresh}};

    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (span_is(word, options[i].name))
            return options[i].flag;
    if (span_is_any_case(word, "rw")) {
        errors_add(p->report, p->line,
                   "a disk can be written unless it is 'ro': delete '" SPAN_FMT "'",
                   SPAN_ARGS(word));
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_SIZE(options); i++)
        if (guess_is_slip(word, options[i].name)) {
            errors_add(p->report, p->line,
                       "'" VALUE " is not an option of a disk; did you mean '%s'?",
                       VALUE_ARGS(word), options[i].name);
            return NULL;
        }
    errors_add(p->report, p->line, "'" VALUE " is not an option of a disk; use ro or fresh",
               VALUE_ARGS(word));
    return NULL;
}

static bool config_disk_options(struct config_parser *p, struct config_disk *disk, struct span rest)
{
    struct span word;

    while ((word = span_word(&rest)).len > 0) {
        if (span_find(word, ',') < word.len) {
            errors_add(p->report, p->line, "'" VALUE ": use spaces between options, not commas",
                       VALUE_ARGS(word));
            return false;
        }
        bool *flag = config_disk_option(p, disk, word);
        if (flag == NULL)
            return false;
        if (*flag) {
            errors_add(p->report, p->line, "'" SPAN_FMT "' is given twice", SPAN_ARGS(word));
            return false;
        }
        *flag = true;
    }
    if (!disk->read_only || !disk->fresh)
        return true;
    errors_add(p->report, p->line,
               "a disk that is only read stays as it is in the file: delete 'fresh' or 'ro'");
    return false;
}

/* "root.img,ro" */
static bool config_disk_has_joined_option(struct span file)
{
    const size_t comma = span_find(file, ',');

    if (comma == file.len)
        return false;
    const struct span option = span_from(file, comma + 1);
    return span_is_any_case(option, "ro") || span_is_any_case(option, "rw") ||
           span_is_any_case(option, "fresh");
}

void config_read_disk(struct config_parser *p, struct span value)
{
    struct config_guest *g = p->guest;
    struct config_disk disk = {.line = p->line};
    struct span rest = value;
    const struct span file = span_word(&rest);

    if (g->disk_count == DISKS_MAX) {
        errors_add(p->report, p->line, "guest '%s' has more than %u disks", g->name, DISKS_MAX);
        return;
    }
    /* A name may have a comma; not one before an option. */
    if (file.at[file.len - 1] == ',' || config_disk_has_joined_option(file)) {
        errors_add(p->report, p->line, "disk = '" SPAN_FMT "': use spaces, not commas",
                   SPAN_ARGS(value));
        return;
    }
    config_file_name(p, file, disk.file);
    if (disk.file[0] != '\0' && config_disk_options(p, &disk, rest))
        g->disks[g->disk_count++] = disk;
}
