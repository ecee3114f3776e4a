/* SPDX-License-Identifier: MIT */
#include "kernel/start/survey.h"

#include "kernel/config/folder.h"
#include "kernel/config/text_span.h"
#include "kernel/console/bootlog.h"
#include "kernel/console/console.h"
#include "kernel/console/output.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"

#define SURVEY_PAGE_SECONDS 30
#define SURVEY_OTHER_ROWS   5 /* of a narrow screen: the page's number, the end, the cursor */

bool survey_begin(const struct boot_info *info)
{
    const struct boot_module *modules = (const struct boot_module *)(uintptr_t)info->modules;

    for (uint32_t i = 0; i < info->module_count && i < FOLDER_MAX; i++)
        if (span_is_any_case(span_of(modules[i].name), FOLDER_CONFIG))
            return false;
    bootlog_begin();
    log_line(
        "there is no configuration: this is a survey of the machine, no guest will be started");
    return true;
}

static void survey_conclude(bool can)
{
    if (can)
        log_line("this machine has what Bulkhead needs to run guests");
    log_line("no configuration: there is no \\bulkhead\\%s on the boot partition, so this was a "
             "survey of the machine",
             FOLDER_CONFIG);
    log_line("next: keep these pages, as photographs or from the serial port; in a file "
             "they are a machine for `plancheck FILE --machine PAGES`");
    if (can)
        log_line("next: put a %s beside bulkhead.elf and boot again (docs/config.md)",
                 FOLDER_CONFIG);
    else
        log_line("next: see in docs/hardware.md what of this the firmware setup can turn on, and "
                 "what another processor would have");
    if (bootlog_left_out() > 0)
        log_line("%u line%s more found no room in the survey", bootlog_left_out(),
                 fmt_plural(bootlog_left_out()));
}

/* What was typed until now was not meant for a page. */
static void survey_show_page(const struct bootlog_page *page)
{
    while (console_take_key())
        ;
    console_clear();
    for (const char *line = page->from; line < page->end; line += strlen(line) + 1)
        console_show(line, strlen(line));
}

void survey_show(bool can)
{
    struct bootlog_page page;
    uint32_t columns, rows, count = 0, number = 0;
    const uint32_t prefix = sizeof(OUTPUT_OWN) - 1;
    char foot[LOG_LINE_MAX];
    size_t size;

    survey_conclude(can);
    console_size(&columns, &rows);
    rows -= SURVEY_OTHER_ROWS;
    const char *lines = bootlog_lines(&size);
    page.end = lines;
    while (bootlog_turn(&page, lines + size, rows, columns, prefix))
        count++;
    page.end = lines;
    while (bootlog_turn(&page, lines + size, rows, columns, prefix)) {
        survey_show_page(&page);
        number++;
        console_show(foot, fmt_print(foot, sizeof(foot), "page %u of %u: any key, or %u s, and %s",
                                     number, count, SURVEY_PAGE_SECONDS,
                                     number < count ? "the next one comes" : "the machine is off"));
        console_wait_for_key(SURVEY_PAGE_SECONDS);
    }
}
