/* SPDX-License-Identifier: MIT */
#include "kernel/console/bootlog.h"

#include "lib/bits.h"
#include "lib/line_list.h"
#include "lib/string.h"

#define BOOTLOG_SIZE (64 * KIB) /* 256 PCI functions, and cores and memory in many pieces */

static SEALED struct {
    bool keeps;
    uint32_t left_out;
    size_t size;
    char text[BOOTLOG_SIZE];
} bootlog;

void bootlog_begin(void)
{
    bootlog.keeps = true;
}

void bootlog_keep(const char *line, size_t len)
{
    if (bootlog.keeps && !line_list_add(bootlog.text, BOOTLOG_SIZE, &bootlog.size, line, len))
        bootlog.left_out++;
}

const char *bootlog_lines(size_t *size)
{
    *size = bootlog.size;
    return bootlog.text;
}

uint32_t bootlog_left_out(void)
{
    return bootlog.left_out;
}

bool bootlog_turn(struct bootlog_page *page, const char *end, uint32_t rows, uint32_t columns,
                  uint32_t prefix)
{
    uint64_t used = 0;

    page->from = page->end;
    while (page->end < end) {
        const size_t len = strlen(page->end);

        used += (prefix + len + columns - 1) / columns;
        if (used > rows && page->end != page->from)
            break;
        page->end += len + 1;
    }
    return page->end != page->from;
}
