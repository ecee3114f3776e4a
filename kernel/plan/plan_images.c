/* SPDX-License-Identifier: MIT */
/*
 * plan_images: has each guest's image checked. Pure.
 */
#include "kernel/plan/plan_parts.h"

static void plan_image(struct plan_guest *guest, const struct machine *machine,
                       struct errors *report)
{
    const struct config_guest *wish = guest->config;
    const struct plan_file image_file = {wish->name, "image", wish->image, wish->image_line};
    const struct plan_file initrd_file = {wish->name, "initrd", wish->initrd, wish->initrd_line};
    const struct machine_module *image = plan_find_file(machine, &image_file, report);
    const struct machine_module *initrd = NULL;

    if (wish->initrd[0] != '\0')
        initrd = plan_find_file(machine, &initrd_file, report);
    guest->image_module = image;
    guest->initrd_module = initrd;
    if (image == NULL)
        return;

    struct image_request request = {.name = wish->image,
                                    .initrd_name = wish->initrd,
                                    .bytes = image->bytes,
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
