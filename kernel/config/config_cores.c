/* SPDX-License-Identifier: MIT */
/*
 * config_cores: the value of `cores`: a count, a count of each kind, or a list of exact cores.
 * Pure.
 */
#include "kernel/config/config_parts.h"
#include "lib/bits.h"

/* "2P", "2E" or "2P+2E": how many of each kind. */
static bool config_core_kinds(struct span value, uint64_t of[CORE_KINDS])
{
    static const char letters[CORE_KINDS] = {
        [CORE_PLAIN] = '-', [CORE_PERFORMANCE] = 'P', [CORE_EFFICIENCY] = 'E'};
    bool seen[CORE_KINDS] = {false};

    for (bool more = true; more;) {
        const size_t plus = span_find(value, '+');
        const struct span item = span_trim((struct span){.at = value.at, .len = plus});
        uint32_t kind = CORE_PERFORMANCE;

        more = plus < value.len;
        value = span_from(value, plus + 1);
        while (item.len > 1 && kind < CORE_KINDS && item.at[item.len - 1] != letters[kind])
            kind++;
        if (item.len < 2 || kind == CORE_KINDS || seen[kind] ||
            !span_number(span_trim((struct span){.at = item.at, .len = item.len - 1}), &of[kind]))
            return false;
        seen[kind] = true;
    }
    return true;
}

static void config_core_count(struct config_parser *p, struct span value)
{
    struct config_cores *cores = &p->guest->cores;
    uint64_t of[CORE_KINDS] = {0};
    char exact[64];
    uint64_t count;

    cores->by_kind = config_core_kinds(value, of);
    count = max_u64(of[CORE_PERFORMANCE], of[CORE_EFFICIENCY]) > GUEST_CORES_MAX
                ? GUEST_CORES_MAX + 1
                : of[CORE_PERFORMANCE] + of[CORE_EFFICIENCY];
    if (config_with_signs(value, exact, sizeof(exact)))
        errors_add(p->report, p->line, "cores = '" SPAN_FMT "': write exact cores as '%s'",
                   SPAN_ARGS(value), exact);
    else if (!cores->by_kind && !span_number(value, &count))
        errors_add(p->report, p->line,
                   "'" VALUE
                   " is neither a number of cores, such as 2 or 2P+2E, nor a list such as "
                   "#2,#5-7",
                   VALUE_ARGS(value));
    else if (count == 0)
        errors_add(p->report, p->line, "a guest needs at least 1 core");
    else if (count > GUEST_CORES_MAX)
        errors_add(p->report, p->line, "'" SPAN_FMT "' cores: a guest has at most %u",
                   SPAN_ARGS(value), GUEST_CORES_MAX);
    else
        cores->count = (uint32_t)count;
    for (uint32_t kind = 0; kind < CORE_KINDS; kind++)
        cores->of[kind] = (uint32_t)of[kind];
}

/* "#5", "#5-7" or "#5-#7" */
static bool config_core_range(struct span item, uint64_t *first, uint64_t *last)
{
    size_t dash = span_find(item, '-');
    struct span low = {.at = item.at, .len = dash};
    struct span high = span_trim(span_from(item, dash + 1));

    if (low.len == 0 || low.at[0] != '#' || !span_number(span_trim(span_from(low, 1)), first))
        return false;
    if (dash == item.len) {
        *last = *first;
        return true;
    }
    if (high.len > 0 && high.at[0] == '#')
        high = span_from(high, 1);
    return span_number(high, last);
}

/* Adds a core to the list. */
static bool config_core_add(struct config_parser *p, uint64_t core)
{
    struct config_cores *cores = &p->guest->cores;

    for (uint32_t i = 0; i < cores->count; i++) {
        if (cores->list[i] == core) {
            errors_add(p->report, p->line, "core #%lu is listed twice", core);
            return false;
        }
    }
    if (cores->count == GUEST_CORES_MAX) {
        errors_add(p->report, p->line, "a guest has at most %u cores", GUEST_CORES_MAX);
        return false;
    }
    cores->list[cores->count++] = (uint32_t)core;
    return true;
}

/* One item between commas. */
static bool config_core_item(struct config_parser *p, struct span item)
{
    uint64_t first, last;

    if (!config_core_range(item, &first, &last)) {
        errors_add(p->report, p->line,
                   "'" VALUE " in the list of cores: each item is a core or a range, as in #2,#5-7",
                   VALUE_ARGS(item));
        return false;
    }
    if (first > last) {
        errors_add(p->report, p->line, "'" SPAN_FMT "' runs backwards: write #%lu-%lu",
                   SPAN_ARGS(item), last, first);
        return false;
    }
    if (last >= CORES_MAX) {
        errors_add(p->report, p->line, "'" SPAN_FMT "': Bulkhead supports cores #0 to #%u",
                   SPAN_ARGS(item), CORES_MAX - 1);
        return false;
    }
    for (uint64_t core = first; core <= last; core++)
        if (!config_core_add(p, core))
            return false;
    return true;
}

void config_read_cores(struct config_parser *p, struct span value)
{
    struct span rest = value;

    p->guest->cores.line = p->line;
    if (span_find(value, '#') == value.len || span_is_digit(value.at[0])) {
        config_core_count(p, value);
        return;
    }
    p->guest->cores.exact = true;
    p->guest->cores.count = 0;
    for (bool more = true; more;) {
        size_t comma = span_find(rest, ',');
        struct span item = span_trim((struct span){.at = rest.at, .len = comma});
        more = comma < rest.len;
        rest = span_from(rest, comma + 1);
        if (!config_core_item(p, item))
            return;
    }
}
