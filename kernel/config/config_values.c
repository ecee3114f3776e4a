/* SPDX-License-Identifier: MIT */
/*
 * config_values: what follows the '=' in bulkhead.conf, one function per key. Each error says
 * what the value should look like. Pure, no state.
 */
#include "kernel/config/config_parts.h"
#include "kernel/config/guess.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/uart16550.h"

bool config_quantity(struct span value, const struct config_unit *units, size_t count,
                     uint64_t *number, uint64_t *factor)
{
    struct span digits = {.at = value.at};

    while (digits.len < value.len && span_is_digit(value.at[digits.len]))
        digits.len++;
    const struct span unit = span_trim(span_from(value, digits.len));
    for (size_t i = 0; i < count; i++) {
        *factor = units[i].factor;
        if (span_is(unit, units[i].name))
            return span_number(digits, number);
    }
    return false;
}

/* ---------------------------------------------------------------------- [machine] */

static const struct {
    const char *name;
    uint16_t port;
} config_com_ports[] = {
    {"com1", UART_COM1}, {"com2", UART_COM2}, {"com3", UART_COM3}, {"com4", UART_COM4}};

/* Those that divide a 16550's 115200 and that people use. */
static const uint32_t config_bauds[] = {1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200};

#define IO_PORT_MIN 0x100 /* below: the chipset's own */
#define PCI_CONFIG  0xcf8

/* com1 to com4; 0: none of them. */
static uint16_t config_com_port(struct span word)
{
    for (size_t i = 0; i < ARRAY_SIZE(config_com_ports); i++)
        if (span_is_any_case(word, config_com_ports[i].name))
            return config_com_ports[i].port;
    return 0;
}

static bool config_port(struct config_parser *p, struct span word)
{
    uint64_t port = config_com_port(word);

    if (port != 0) {
        p->config->machine.serial_port = (uint16_t)port;
        return true;
    }
    if (!span_hex(word, &port)) {
        errors_add(p->report, p->line,
                   guess_is_slip(word, "screen")
                       ? "'" SPAN_FMT "' is not a console; did you mean 'screen'?"
                       : "'" SPAN_FMT "' is not a serial port; use com1..com4 or an I/O port such "
                         "as 0x3f8",
                   SPAN_ARGS(word));
        return false;
    }
    if (port < IO_PORT_MIN || port > UINT16_MAX || !is_aligned(port, UART_PORTS) ||
        port == PCI_CONFIG) {
        errors_add(p->report, p->line,
                   "'" SPAN_FMT
                   "' cannot be a serial port; use a multiple of 8 from 0x100 to 0xfff8, "
                   "but not 0xcf8",
                   SPAN_ARGS(word));
        return false;
    }
    p->config->machine.serial_port = (uint16_t)port;
    return true;
}

static bool config_baud(struct config_parser *p, struct span word)
{
    uint64_t baud;

    if (span_number(word, &baud))
        for (size_t i = 0; i < ARRAY_SIZE(config_bauds); i++)
            if (config_bauds[i] == baud) {
                p->config->machine.serial_baud = config_bauds[i];
                return true;
            }
    errors_add(p->report, p->line,
               "'" SPAN_FMT "' is not a serial port speed; use 115200, 57600, 38400, 19200, "
               "9600, 4800, 2400 or 1200",
               SPAN_ARGS(word));
    return false;
}

/* Takes the next word only if it is no console of its own. */
static bool config_serial_option(struct span *rest, struct span *word)
{
    struct span after = *rest;

    *word = span_word(&after);
    if (word->len == 0 || span_is(*word, "serial") || span_is(*word, "screen"))
        return false;
    *rest = after;
    return true;
}

static bool config_serial(struct config_parser *p, struct span *rest)
{
    struct span word;
    uint64_t number;

    if (!config_serial_option(rest, &word))
        return true;
    if (span_number(word, &number)) {
        errors_add(p->report, p->line,
                   "'" SPAN_FMT "' is where the port should be: write 'serial com1 " SPAN_FMT "'",
                   SPAN_ARGS(word), SPAN_ARGS(word));
        return false;
    }
    if (!config_port(p, word))
        return false;
    return !config_serial_option(rest, &word) || config_baud(p, word);
}

/* `rest` is what follows `word`: perhaps the speed of a port that lacks its 'serial'. */
static void config_not_a_console(struct config_parser *p, struct span word, struct span rest)
{
    const struct span speed = span_word(&rest);
    uint64_t number;

    if (span_number(word, &number)) {
        errors_add(p->report, p->line,
                   "'" SPAN_FMT "' is not a console: write 'serial com1 " SPAN_FMT "'",
                   SPAN_ARGS(word), SPAN_ARGS(word));
    } else if (config_com_port(word) != 0 || span_hex(word, &number)) {
        const bool has_speed = speed.len > 0 && span_number(speed, &number);
        errors_add(p->report, p->line,
                   has_speed ? "'" SPAN_FMT "' is not a console: write 'serial " SPAN_FMT
                               " " SPAN_FMT "'"
                             : "'" SPAN_FMT "' is not a console: write 'serial " SPAN_FMT "'",
                   SPAN_ARGS(word), SPAN_ARGS(word), SPAN_ARGS(speed));
    } else {
        errors_add(p->report, p->line,
                   "'" SPAN_FMT "' is not a console; use serial [PORT [BAUD]], screen, or both",
                   SPAN_ARGS(word));
    }
}

void config_read_console(struct config_parser *p, struct span value)
{
    struct config_machine *m = &p->config->machine;
    struct span rest = value;
    struct span word;

    m->console_line = p->line;
    m->serial = false;
    m->screen = false;
    if (span_find(value, ',') < value.len) {
        errors_add(p->report, p->line, "console = '" SPAN_FMT "': use spaces, not commas",
                   SPAN_ARGS(value));
        return;
    }
    while ((word = span_word(&rest)).len > 0) {
        bool serial = span_is(word, "serial");
        bool *console = serial ? &m->serial : &m->screen;
        if (!serial && !span_is(word, "screen")) {
            config_not_a_console(p, word, rest);
            return;
        }
        if (*console) {
            errors_add(p->report, p->line, "'" SPAN_FMT "' is given twice", SPAN_ARGS(word));
            return;
        }
        *console = true;
        if (serial && !config_serial(p, &rest))
            return;
    }
}

void config_read_reserve(struct config_parser *p, struct span value)
{
    struct config_machine *m = &p->config->machine;
    uint64_t count;

    m->reserve_line = p->line;
    if (!span_number(value, &count)) {
        errors_add(p->report, p->line, "'" VALUE " is not a number of cores", VALUE_ARGS(value));
        return;
    }
    if (count >= CORES_MAX) {
        errors_add(p->report, p->line,
                   "reserve = " SPAN_FMT
                   " leaves no core for guests; Bulkhead supports at most %u cores",
                   SPAN_ARGS(value), CORES_MAX);
        return;
    }
    m->reserve_given = true;
    m->reserve = (uint32_t)count;
}

void config_read_threads(struct config_parser *p, struct span value)
{
    p->config->machine.threads_shared = span_is(value, "shared");
    if (!p->config->machine.threads_shared && !span_is(value, "separate"))
        errors_add(p->report, p->line, "threads = '" VALUE ": expected 'separate' or 'shared'",
                   VALUE_ARGS(value));
}

void config_read_tsc(struct config_parser *p, struct span value)
{
    p->config->machine.tsc_trusted = span_is(value, "trusted");
    if (!p->config->machine.tsc_trusted)
        errors_add(p->report, p->line,
                   "tsc = '" VALUE ": expected 'trusted'; otherwise delete the line",
                   VALUE_ARGS(value));
}

/* ---------------------------------------------------------------------- [guest NAME] */

bool config_size(struct config_parser *p, struct span value, uint64_t min, uint64_t *bytes)
{
    static const struct config_unit units[] = {{"", 1},    {"K", KIB}, {"k", KIB}, {"M", MIB},
                                               {"m", MIB}, {"G", GIB}, {"g", GIB}};
    const bool in_mib = min >= MIB;
    uint64_t number, factor, size;

    if (!config_quantity(value, units, ARRAY_SIZE(units), &number, &factor)) {
        errors_add(p->report, p->line,
                   "'" VALUE " is not a size: write a whole number and K, M or G, such as 64M",
                   VALUE_ARGS(value));
        return false;
    }
    if (!mul_u64(number, factor, &size) || size > GUEST_MEMORY_MAX) {
        errors_add(p->report, p->line, "memory = " SPAN_FMT " is more memory than any machine has",
                   SPAN_ARGS(value));
        return false;
    }
    if (size < min) {
        bool forgotten = factor == 1 && number > 0;
        errors_add(p->report, p->line, "memory = " SPAN_FMT " is too small: the minimum is %lu%c%s",
                   SPAN_ARGS(value), min / (in_mib ? MIB : KIB), in_mib ? 'M' : 'K',
                   forgotten ? " (is the M missing?)" : "");
        return false;
    }
    if (!is_aligned(size, PAGE_SIZE)) {
        errors_add(p->report, p->line,
                   "memory = " SPAN_FMT " is not a multiple of 4K: write %luK or %luK",
                   SPAN_ARGS(value), align_down(size, PAGE_SIZE) / KIB,
                   align_down(size, PAGE_SIZE) / KIB + PAGE_SIZE / KIB);
        return false;
    }
    *bytes = size;
    return true;
}

void config_read_memory(struct config_parser *p, struct span value)
{
    p->guest->memory_line = p->line;
    config_size(p, value, GUEST_MEMORY_MIN, &p->guest->memory);
}

void config_read_image(struct config_parser *p, struct span value)
{
    p->guest->image_line = p->line;
    config_file_name(p, value, p->guest->image);
}

void config_read_initrd(struct config_parser *p, struct span value)
{
    p->guest->initrd_line = p->line;
    config_file_name(p, value, p->guest->initrd);
}

void config_read_cmdline(struct config_parser *p, struct span value)
{
    if (value.len >= CMDLINE_MAX) {
        errors_add(p->report, p->line, "the command line is %zu bytes long; the limit is %u",
                   value.len, CMDLINE_MAX - 1);
        return;
    }
    memcpy(p->guest->cmdline, value.at, value.len);
    p->guest->cmdline[value.len] = '\0';
    p->guest->cmdline_line = p->line;
}
