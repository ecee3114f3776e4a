/* SPDX-License-Identifier: MIT */
#include "kernel/core/machine_lines.h"

#include "lib/line_list.h"
#include "lib/string.h"
#include "lib/types.h"

#define LINES_SIZE (40 * KIB) /* 256 functions, and cores and memory in many pieces */

static SEALED struct {
    size_t len;
    bool full;
    char text[LINES_SIZE]; /* each with a NUL */
} machine_lines;

void machine_lines_say(const char *fmt, ...)
{
    struct log_text line;
    va_list args;

    va_start(args, fmt);
    log_compose(&line, fmt, args);
    va_end(args);
    log_line("%.*s", (int)line.len, line.text);
    if (!line_list_add(machine_lines.text, LINES_SIZE, &machine_lines.len, line.text, line.len))
        machine_lines.full = true;
}

void machine_lines_show(bool pci, log_sink say)
{
    const char *line = machine_lines.text;

    for (size_t at = 0; at < machine_lines.len; at += strlen(line) + 1) {
        line = machine_lines.text + at;
        if (pci == (memcmp(line, MACHINE_LINE_PCI, sizeof(MACHINE_LINE_PCI) - 1) == 0))
            say("%s", line);
    }
    if (machine_lines.full)
        say("the rest was not kept: see the boot log");
}
