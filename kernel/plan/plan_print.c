/* SPDX-License-Identifier: MIT */
/*
 * plan_print: the plan as a table for people, on the boot console and from plancheck. Pure.
 */
#include "kernel/plan/plan.h"

#include "kernel/config/text_span.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define CORES_WIDTH 22
#define ROW         "%-16s%-22s%-12s%-31s%s"

enum { LINE_TITLE, LINE_COLUMNS, LINES_BEFORE_GUESTS };
enum { LINE_GUEST, LINE_MEMORY, LINE_IMAGE, LINE_INITRD, LINE_NOTE, LINE_REGIONS };
#define LINE_COUNT (LINE_REGIONS + GUEST_REGIONS_MAX) /* that a guest may have */

/* "#1,#4-7"; a list that does not fit ends in "... (12)", the number of all. */
static void plan_print_cores(const struct plan_guest *guest, char *buf, size_t size)
{
    char total[16];
    size_t len = 0;
    size_t total_len = fmt_print(total, sizeof(total), "... (%u)", guest->core_count);

    buf[0] = '\0';
    for (uint32_t i = 0; i < guest->core_count; i++) {
        char item[16];
        uint32_t first = guest->cores[i];
        while (i + 1 < guest->core_count && guest->cores[i + 1] == guest->cores[i] + 1)
            i++;
        size_t item_len = fmt_print(item, sizeof(item), "%s#%u", len == 0 ? "" : ",", first);
        if (guest->cores[i] != first)
            item_len += fmt_print(item + item_len, sizeof(item) - item_len, "-%u", guest->cores[i]);
        bool last = i + 1 == guest->core_count;
        if (len + item_len + (last ? 0 : total_len) >= size) {
            text_copy(buf + len, size - len, total);
            return;
        }
        memcpy(buf + len, item, item_len + 1);
        len += item_len;
    }
}

static void plan_print_range(struct range r, char *buf, size_t size)
{
    fmt_print(buf, size, "0x%lx-0x%lx", r.base, r.base + (r.size - 1));
}

static void plan_print_crash(const struct config_guest *config, char *buf, size_t size)
{
    switch (config->on_crash) {
    case CRASH_STOP:
        fmt_print(buf, size, "stop");
        break;
    case CRASH_RESTART:
        if (config->restarts == UINT32_MAX)
            fmt_print(buf, size, "restart");
        else
            fmt_print(buf, size, "restart %u", config->restarts);
        break;
    case CRASH_REBOOT:
        fmt_print(buf, size, "reboot");
        break;
    }
}

static void plan_print_row(const struct plan_guest *guest, char *buf, size_t size)
{
    char cores[CORES_WIDTH];
    char memory[24];
    char host[48];
    char crash[24];
    const struct range ram = guest_map_ram(&guest->map);

    plan_print_cores(guest, cores, sizeof(cores));
    fmt_size(memory, sizeof(memory), ram.size);
    plan_print_range(ram, host, sizeof(host));
    plan_print_crash(guest->config, crash, sizeof(crash));
    fmt_print(buf, size, ROW, guest->config->name, cores, memory, host, crash);
}

static void plan_print_memory(const struct plan_guest *guest, char *buf, size_t size)
{
    const char *before = "";
    size_t len = fmt_print(buf, size, "  guest memory ");
    char text[48];

    for (uint32_t i = 0; i < guest->map.count; i++) {
        const struct guest_region *r = &guest->map.rows[i];
        if (r->kind != REGION_RAM)
            continue;
        plan_print_range((struct range){r->at.v, r->size}, text, sizeof(text));
        len += fmt_print(buf + len, size - len, "%s%s", before, text);
        before = ", ";
    }
}

/* What is not RAM: where the guest finds it, and where it is. */
static void plan_print_region(const struct guest_region *r, char *buf, size_t size)
{
    char at[48], host[48];

    plan_print_range((struct range){r->at.v, r->size}, at, sizeof(at));
    plan_print_range((struct range){r->to.v, r->size}, host, sizeof(host));
    fmt_print(buf, size, "  %-12s %s, host %s, r%c%c",
              r->kind == REGION_SHARED ? "shared" : "device", at, host,
              r->rights & PT_W ? 'w' : '-', r->rights & PT_X ? 'x' : '-');
}

static bool plan_word_begins(struct span word, const char *text)
{
    const size_t len = strlen(text);

    return word.len >= len && memcmp(word.at, text, len) == 0;
}

/* Linux writes where `console=` tells it, and not to the UART by itself. */
static bool plan_is_mute(const struct plan_guest *guest)
{
    struct span rest = span_of(guest->config->cmdline);
    struct span word;

    if (!guest->image.is_linux)
        return false;
    while ((word = span_word(&rest)).len > 0)
        if (plan_word_begins(word, "console=ttyS0") || plan_word_begins(word, "console=uart"))
            return false;
    return true;
}

static bool plan_has_line(const struct plan_guest *guest, uint32_t line)
{
    if (line == LINE_INITRD)
        return guest->initrd_module != NULL;
    if (line >= LINE_REGIONS)
        return line - LINE_REGIONS < guest->map.count &&
               guest->map.rows[line - LINE_REGIONS].kind != REGION_RAM;
    return line != LINE_NOTE || plan_is_mute(guest);
}

static void plan_print_guest(const struct plan_guest *guest, uint32_t line, char *buf, size_t size)
{
    if (line == LINE_GUEST)
        plan_print_row(guest, buf, size);
    else if (line == LINE_MEMORY)
        plan_print_memory(guest, buf, size);
    else if (line == LINE_IMAGE)
        fmt_print(buf, size, "  image        %s", guest->image_module->name);
    else if (line >= LINE_REGIONS)
        plan_print_region(&guest->map.rows[line - LINE_REGIONS], buf, size);
    else if (line == LINE_INITRD)
        fmt_print(buf, size, "  initrd       %s", guest->initrd_module->name);
    else
        fmt_print(buf, size,
                  "  note         without 'console=ttyS0' in its cmdline Linux prints "
                  "nothing here");
}

static void plan_print_title(const struct plan *plan, char *buf, size_t size)
{
    const char *plural = fmt_plural(plan->guest_count);

    if (plan->reserved_cores == 0)
        fmt_print(buf, size, "%u guest%s; no core is kept for the monitor", plan->guest_count,
                  plural);
    else if (plan->reserved_cores == 1)
        fmt_print(buf, size, "%u guest%s; core #0 is kept for the monitor", plan->guest_count,
                  plural);
    else
        fmt_print(buf, size, "%u guest%s; cores #0-%u are kept for the monitor", plan->guest_count,
                  plural, plan->reserved_cores - 1);
}

bool plan_print(const struct plan *plan, uint32_t index, char *buf, size_t size)
{
    char line[PLAN_LINE_MAX + 1];

    if (index == LINE_TITLE) {
        plan_print_title(plan, line, sizeof(line));
    } else if (index == LINE_COLUMNS) {
        fmt_print(line, sizeof(line), ROW, "guest", "cores", "memory", "host memory", "on crash");
    } else {
        uint32_t left = index - LINES_BEFORE_GUESTS;
        uint32_t at = 0; /* every line that a guest may have, one guest after the other */
        for (; at < plan->guest_count * LINE_COUNT; at++)
            if (plan_has_line(&plan->guests[at / LINE_COUNT], at % LINE_COUNT) && left-- == 0)
                break;
        if (at == plan->guest_count * LINE_COUNT)
            return false;
        plan_print_guest(&plan->guests[at / LINE_COUNT], at % LINE_COUNT, line, sizeof(line));
    }
    fmt_print(buf, size, "%s", line);
    return true;
}
