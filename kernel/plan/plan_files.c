/* SPDX-License-Identifier: MIT */
/*
 * plan_files: finds the files that guests name among the modules. Pure.
 */
#include "kernel/plan/plan_parts.h"

#include "kernel/config/guess.h"
#include "kernel/config/text_span.h"
#include "kernel/plan/modules.h"
#include "lib/fmt.h"

#define FILES_SHOWN_MAX 80 /* characters */

/* What to try instead: a name that looks like `name`, else the names there are. */
static void plan_suggest_file(const struct machine *machine, const char *name, char *buf,
                              size_t size)
{
    const char *before = ":";
    size_t len = fmt_print(buf, size, "the files here are");

    for (uint32_t i = 0; i < machine->module_count; i++) {
        const char *other = machine->modules[i].name;
        if (folder_is_own(other) || !guess_is_slip(span_of(name), other))
            continue;
        fmt_print(buf, size, "did you mean '%s'?", other);
        return;
    }
    for (uint32_t i = 0; i < machine->module_count; i++) {
        if (folder_is_own(machine->modules[i].name))
            continue;
        if (len > FILES_SHOWN_MAX) {
            fmt_print(buf + len, size - len, ", ...");
            return;
        }
        len += fmt_print(buf + len, size - len, "%s %s", before, machine->modules[i].name);
        before = ",";
    }
    if (*before == ':')
        fmt_print(buf, size, "there are no files other than Bulkhead's own");
}

static uint32_t plan_count_files(const struct machine *machine, const char *name)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < machine->module_count; i++)
        count += span_is_any_case(span_of(machine->modules[i].name), name) ? 1 : 0;
    return count;
}

const struct machine_module *plan_find_file(const struct machine *machine,
                                            const struct plan_file *file, struct errors *report)
{
    const struct machine_module *module = modules_find(machine, file->name);
    const char *flaw = NULL;
    char hint[ERRORS_TEXT_MAX];

    if (module == NULL) {
        plan_suggest_file(machine, file->name, hint, sizeof(hint));
        errors_add(report, file->line, "guest '%s': there is no %s '%s'; %s", file->guest,
                   file->role, file->name, hint);
        return NULL;
    }
    if (plan_count_files(machine, file->name) > 1)
        flaw = "exists more than once: upper and lower case count as the same";
    else if (module->size == 0)
        flaw = "is empty";
    if (flaw == NULL)
        return module;
    errors_add(report, file->line, "guest '%s': %s '%s' %s", file->guest, file->role, file->name,
               flaw);
    return NULL;
}
