/* SPDX-License-Identifier: MIT */
/*
 * config_policy: the values that decide what happens when a guest ends: on_crash, on_poweroff,
 * on_dma_fault, watchdog; when we do: on_panic; when all begins: timeout; how far guests are
 * trusted: isolation; and who else may touch one: debug. Pure.
 */
#include "kernel/config/config_parts.h"
#include "lib/bits.h"
#include "lib/time.h"

#define WATCHDOG_MIN_NS (10 * NS_PER_MS)
#define WATCHDOG_MAX_NS (3600 * NS_PER_SECOND)

void config_read_on_crash(struct config_parser *p, struct span value)
{
    struct config_guest *g = p->guest;
    struct span rest = value;
    struct span word = span_word(&rest);
    uint64_t restarts = UINT32_MAX; /* not given: without end */

    rest = span_trim(rest);
    if (span_is(word, "stop") && rest.len == 0) {
        g->on_crash = CRASH_STOP;
    } else if (span_is(word, "reboot") && rest.len == 0) {
        g->on_crash = CRASH_REBOOT;
    } else if (span_is(word, "restart") && (rest.len == 0 || span_number(rest, &restarts))) {
        if (rest.len > 0 && (restarts == 0 || restarts >= UINT32_MAX)) {
            errors_add(p->report, p->line, "on_crash = " SPAN_FMT ": write %s", SPAN_ARGS(value),
                       restarts == 0 ? "'stop' for no restart" : "'restart' for no limit");
            return;
        }
        g->on_crash = CRASH_RESTART;
        g->restarts = (uint32_t)restarts;
    } else {
        errors_add(p->report, p->line, "on_crash = '" VALUE ": write stop, restart [N] or reboot",
                   VALUE_ARGS(value));
    }
}

void config_read_on_poweroff(struct config_parser *p, struct span value)
{
    static const char *const words[] = {
        [POWEROFF_STOP] = "stop", [POWEROFF_RESTART] = "restart", [POWEROFF_REBOOT] = "reboot"};

    for (uint32_t i = 0; i < ARRAY_SIZE(words); i++)
        if (span_is(value, words[i])) {
            p->guest->on_poweroff = (enum poweroff_action)i;
            return;
        }
    errors_add(p->report, p->line, "on_poweroff = '" VALUE ": write stop, restart or reboot",
               VALUE_ARGS(value));
}

/* One of two words; `*is`: it is the second. */
static void config_either(struct config_parser *p, struct span value, const char *key,
                          const char *plain, const char *other, bool *is)
{
    *is = span_is(value, other);
    if (!*is && !span_is(value, plain))
        errors_add(p->report, p->line, "%s = '" VALUE ": write %s or %s", key, VALUE_ARGS(value),
                   plain, other);
}

void config_read_on_dma_fault(struct config_parser *p, struct span value)
{
    bool stops;

    config_either(p, value, "on_dma_fault", "report", "stop", &stops);
    p->guest->on_dma_fault = stops ? DMA_FAULT_STOP : DMA_FAULT_REPORT;
}

void config_read_on_panic(struct config_parser *p, struct span value)
{
    config_either(p, value, "on_panic", "halt", "reboot", &p->config->machine.panic_reboots);
}

void config_read_isolation(struct config_parser *p, struct span value)
{
    config_either(p, value, "isolation", "strict", "trusted", &p->config->machine.guests_trusted);
}

void config_read_timeout(struct config_parser *p, struct span value)
{
    uint64_t seconds;

    if (span_number(value, &seconds) && seconds <= TIMEOUT_MAX)
        p->config->machine.timeout = (uint32_t)seconds;
    else
        errors_add(p->report, p->line, "timeout = '" VALUE ": write 0 to %u, in seconds",
                   VALUE_ARGS(value), TIMEOUT_MAX);
}

/* Cuts the word "each" off the end of a time. */
static bool config_cut_each(struct span *value)
{
    static const char word[] = "each";
    const size_t len = sizeof(word) - 1;

    if (value->len <= len || !span_is(span_from(*value, value->len - len), word) ||
        value->at[value->len - len - 1] != ' ')
        return false;
    value->len -= len;
    *value = span_trim(*value);
    return true;
}

/* "5s", "500ms", "2m", "5s each"; "off" is the same as leaving the key out. */
void config_read_watchdog(struct config_parser *p, struct span value)
{
    static const struct config_unit units[] = {
        {"ms", NS_PER_MS}, {"s", NS_PER_SECOND}, {"m", 60 * NS_PER_SECOND}};
    const struct span all = value;
    uint64_t number, factor, ns;

    if (span_is(value, "off"))
        return;
    p->guest->watchdog_each = config_cut_each(&value);
    if (!config_quantity(value, units, ARRAY_SIZE(units), &number, &factor))
        errors_add(p->report, p->line,
                   "watchdog = '" VALUE ": write a time such as 500ms, 2m or 5s [each], or off",
                   VALUE_ARGS(all));
    else if (!mul_u64(number, factor, &ns) || ns < WATCHDOG_MIN_NS || ns > WATCHDOG_MAX_NS)
        errors_add(p->report, p->line, "watchdog = " SPAN_FMT ": it must be from 10ms to 60m",
                   SPAN_ARGS(all));
    else
        p->guest->watchdog_ns = ns;
}

/* There is one port for it. */
void config_read_debug(struct config_parser *p, struct span value)
{
    p->guest->debug_line = p->line;
    if (!span_is(value, "serial2")) {
        errors_add(p->report, p->line, "debug = '" VALUE ": write serial2", VALUE_ARGS(value));
        return;
    }
    for (uint32_t g = 0; g < p->config->guest_count; g++)
        if (p->config->guests[g].is_debugged) {
            errors_add(p->report, p->line, "debug = serial2: guest '%s' has it at line %u",
                       p->config->guests[g].name, p->config->guests[g].debug_line);
            return;
        }
    p->guest->is_debugged = true;
}

/* "512"; "off" is the same as leaving the key out. */
void config_read_trace(struct config_parser *p, struct span value)
{
    uint64_t number;

    if (span_is(value, "off"))
        return;
    if (!span_number(value, &number))
        errors_add(p->report, p->line, "trace = '" VALUE ": write a number of exits, or off",
                   VALUE_ARGS(value));
    else if (number < TRACE_MIN || number > TRACE_MAX || !is_power_of_two(number))
        errors_add(p->report, p->line,
                   "trace = " SPAN_FMT ": it must be 32, 64, 128, 256, 512 or 1024",
                   SPAN_ARGS(value));
    else
        p->guest->trace = (uint32_t)number;
}
