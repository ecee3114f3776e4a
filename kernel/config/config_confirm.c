/* SPDX-License-Identifier: MIT */
/*
 * config_confirm: reads confirm = operator | poweroff GUEST | watchdog GUEST: what keeps a set of
 * files that is tried (kernel/config/next.h). Pure.
 */
#include "kernel/config/config_parts.h"

#include "lib/fmt.h"

void config_read_confirm(struct config_parser *p, struct span value)
{
    struct span rest = value;
    const struct span word = span_word(&rest);
    const struct span name = span_trim(rest);
    const bool by_guest = span_is(word, "poweroff") || span_is(word, "watchdog");

    if (by_guest == (name.len == 0) || !(by_guest || span_is(word, "operator"))) {
        errors_add(p->report, p->line,
                   "confirm = '" VALUE ": write operator, poweroff GUEST or watchdog GUEST",
                   VALUE_ARGS(value));
        return;
    }
    if (name.len >= GUEST_NAME_MAX) { /* cut off, it might be another guest's */
        errors_add(p->report, p->line, "the file has no guest '" SPAN_FMT "'", SPAN_ARGS(name));
        return;
    }
    p->confirm_line = by_guest ? p->line : 0;
    p->confirm_by = span_is(word, "watchdog") ? CONFIRM_BY_WATCHDOG : CONFIRM_BY_POWEROFF;
    fmt_print(p->confirm_guest, sizeof(p->confirm_guest), "%.*s", (int)name.len, name.at);
}

void config_confirm_end(struct config_parser *p)
{
    const uint32_t g = config_find_guest(p->config, p->confirm_guest);
    struct config_guest *guest = &p->config->guests[g];

    if (p->confirm_line == 0)
        return;
    if (g == p->config->guest_count) {
        if (!p->any_skipped)
            config_unknown_guest(p, p->confirm_line, p->confirm_guest);
        return;
    }
    if (p->confirm_by == CONFIRM_BY_WATCHDOG && guest->watchdog_ns == 0)
        errors_add(p->report, p->confirm_line,
                   "confirm = watchdog %s: it has no watchdog: add 'watchdog = 5s' to it",
                   guest->name);
    guest->confirms = p->confirm_by;
}
