/* SPDX-License-Identifier: MIT */
/*
 * plan_images: finds each guest's files among the modules and has the image checked. Pure.
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

/* The file that a guest names, or NULL and an error. An empty one is as good as none. */
static const struct machine_module *plan_file(const struct machine *machine, const char *guest,
                                              const char *role, const char *name, uint32_t line,
                                              struct errors *report)
{
    const struct machine_module *module = modules_find(machine, name);
    const char *flaw = NULL;
    char hint[ERRORS_TEXT_MAX];

    if (module == NULL) {
        plan_suggest_file(machine, name, hint, sizeof(hint));
        errors_add(report, line, "guest '%s': there is no %s '%s'; %s", guest, role, name, hint);
        return NULL;
    }
    if (plan_count_files(machine, name) > 1)
        flaw = "exists more than once: upper and lower case count as the same";
    else if (module->size == 0)
        flaw = "is empty";
    if (flaw == NULL)
        return module;
    errors_add(report, line, "guest '%s': %s '%s' %s", guest, role, name, flaw);
    return NULL;
}

static void plan_image(struct plan_guest *guest, const struct machine *machine,
                       struct errors *report)
{
    const struct config_guest *wish = guest->config;
    const struct machine_module *initrd = NULL;
    const struct machine_module *image =
        plan_file(machine, wish->name, "image", wish->image, wish->image_line, report);

    if (wish->initrd[0] != '\0')
        initrd = plan_file(machine, wish->name, "initrd", wish->initrd, wish->initrd_line, report);
    guest->image_module = image;
    guest->initrd_module = initrd;
    if (image == NULL)
        return;

    struct image_request request = {.bytes = image->bytes,
                                    .size = image->size,
                                    .initrd = initrd == NULL ? NULL : initrd->bytes,
                                    .initrd_size = initrd == NULL ? 0 : initrd->size,
                                    .cmdline = wish->cmdline,
                                    .map = &guest->map,
                                    .linux_tsc_khz = machine->linux_tsc_khz,
                                    .linux_options = machine->linux_options,
                                    .core_count = guest->core_count};
    for (uint32_t i = 0; i < guest->core_count; i++)
        request.apic_ids[i] = machine->apic_ids[guest->cores[i]];
    if (!image_prepare(&guest->image, &request))
        errors_add(report, wish->image_line, "guest '%s': image '%s' %s", wish->name, wish->image,
                   guest->image.why);
}

void plan_images(struct plan *plan, const struct machine *machine, struct errors *report)
{
    for (uint32_t g = 0; g < plan->guest_count; g++)
        plan_image(&plan->guests[g], machine, report);
}
