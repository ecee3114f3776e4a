/* SPDX-License-Identifier: MIT */
/*
 * config_parse: lines and keys of bulkhead.conf. One pass, line by line; an error is reported and
 * the next line is read, so that one pass finds them all. Headers are read in config_sections.c,
 * values in config_values.c, names in config_names.c; config_hints.c knows what people mean. Pure,
 * no state.
 */
#include "kernel/config/config_parts.h"
#include "kernel/config/guess.h"

#include "lib/fmt.h"
#include "lib/string.h"

struct config_key_row {
    const char *name;
    enum config_section section;
    void (*read)(struct config_parser *p, struct span value);
    const char *needed; /* an example where the key must be given, else NULL */
};

static const struct config_key_row config_keys[KEY_COUNT] = {
    [KEY_CONSOLE] = {"console", SECTION_MACHINE, config_read_console, NULL},
    [KEY_RESERVE] = {"reserve", SECTION_MACHINE, config_read_reserve, NULL},
    [KEY_THREADS] = {"threads", SECTION_MACHINE, config_read_threads, NULL},
    [KEY_TSC] = {"tsc", SECTION_MACHINE, config_read_tsc, NULL},
    [KEY_ON_PANIC] = {"on_panic", SECTION_MACHINE, config_read_on_panic, NULL},
    [KEY_TIMEOUT] = {"timeout", SECTION_MACHINE, config_read_timeout, NULL},
    [KEY_ISOLATION] = {"isolation", SECTION_MACHINE, config_read_isolation, NULL},
    [KEY_CONFIRM] = {"confirm", SECTION_MACHINE, config_read_confirm, NULL},
    [KEY_CORES] = {"cores", SECTION_GUEST, config_read_cores, NULL},
    [KEY_MEMORY] = {"memory", SECTION_GUEST, config_read_memory, "64M"},
    [KEY_IMAGE] = {"image", SECTION_GUEST, config_read_image, "kernel.elf"},
    [KEY_INITRD] = {"initrd", SECTION_GUEST, config_read_initrd, NULL},
    [KEY_DISK] = {"disk", SECTION_GUEST, config_read_disk, NULL},
    [KEY_DEVICES] = {"devices", SECTION_GUEST, config_read_devices, NULL},
    [KEY_CMDLINE] = {"cmdline", SECTION_GUEST, config_read_cmdline, NULL},
    [KEY_ON_CRASH] = {"on_crash", SECTION_GUEST, config_read_on_crash, NULL},
    [KEY_ON_POWEROFF] = {"on_poweroff", SECTION_GUEST, config_read_on_poweroff, NULL},
    [KEY_ON_DMA_FAULT] = {"on_dma_fault", SECTION_GUEST, config_read_on_dma_fault, NULL},
    [KEY_WATCHDOG] = {"watchdog", SECTION_GUEST, config_read_watchdog, NULL},
    [KEY_DEBUG] = {"debug", SECTION_GUEST, config_read_debug, NULL},
    [KEY_TRACE] = {"trace", SECTION_GUEST, config_read_trace, NULL},
    [KEY_LINK_GUESTS] = {"guests", SECTION_LINK, config_read_link_guests, "a:rw b:ro"},
    [KEY_LINK_MEMORY] = {"memory", SECTION_LINK, config_read_link_memory, NULL},
    [KEY_LINK_SERIAL] = {"serial", SECTION_LINK, config_read_link_serial, NULL},
};

static const char *config_section_name(enum config_section section)
{
    if (section == SECTION_LINK)
        return LINK_SECTION;
    return section == SECTION_MACHINE ? "[machine]" : GUEST_SECTION;
}

/* What a section lacks can be told only at its end, and belongs to the line of its header. */
static void config_end_section(struct config_parser *p)
{
    const bool is_link = p->section == SECTION_LINK;

    if (p->section != SECTION_GUEST && !is_link)
        return;
    for (uint32_t k = 0; k < KEY_COUNT; k++) {
        const struct config_key_row *row = &config_keys[k];
        bool given = p->key_lines[k] != 0 || (p->excused & (1u << k)) != 0;
        if (row->section == p->section && row->needed != NULL && !given)
            errors_add(p->report, is_link ? p->link->line : p->guest->line,
                       "%s '%s' has no %s: add '%s = %s'", is_link ? "link" : "guest",
                       is_link ? p->link->name : p->guest->name, row->name, row->name, row->needed);
    }
}

/* The key that `word` is, of this section where it has one of that name, or KEY_COUNT. */
static enum config_key config_find_key(const struct config_parser *p, struct span word)
{
    uint32_t found = KEY_COUNT;

    for (uint32_t k = 0; k < KEY_COUNT; k++) {
        const bool is_own = config_keys[k].section == p->section;
        if (span_is(word, config_keys[k].name) && (is_own || found == KEY_COUNT))
            found = k;
    }
    return (enum config_key)found;
}

/* The key of this section that `word` is meant to be, or KEY_COUNT. */
static enum config_key config_guess_key(const struct config_parser *p, struct span word)
{
    enum config_key k = config_find_key(p, word);

    if (k == KEY_COUNT)
        k = config_alias(word);
    if (k != KEY_COUNT)
        return k;
    for (k = 0; k < KEY_COUNT; k++)
        if (config_keys[k].section == p->section && guess_is_slip(word, config_keys[k].name))
            break;
    return k;
}

/* A wrong line that is meant to give this key: it is not missing as well. */
static void config_excuse(struct config_parser *p, enum config_key k)
{
    if (k != KEY_COUNT)
        p->excused |= 1u << k;
}

static void config_unknown_key(struct config_parser *p, struct span key)
{
    const enum config_key meant = config_guess_key(p, key);
    const char *lacking = config_lacks(key);
    char known[ERRORS_TEXT_MAX] = "";
    size_t len = 0;

    config_excuse(p, meant);
    if (lacking != NULL) {
        errors_add(p->report, p->line, "unknown key '" SPAN_FMT "'; %s", SPAN_ARGS(key), lacking);
        return;
    }
    if (meant != KEY_COUNT && config_keys[meant].section == p->section) {
        errors_add(p->report, p->line, "unknown key '" SPAN_FMT "'; did you mean '%s'?",
                   SPAN_ARGS(key), config_keys[meant].name);
        return;
    }
    for (uint32_t k = 0; k < KEY_COUNT; k++)
        if (config_keys[k].section == p->section)
            len += fmt_print(known + len, sizeof(known) - len, "%s%s", len == 0 ? "" : ", ",
                             config_keys[k].name);
    errors_add(p->report, p->line, "unknown key '" SPAN_FMT "'; the keys of %s are %s",
               SPAN_ARGS(key), config_section_name(p->section), known);
}

static void config_read_pair(struct config_parser *p, struct span key, struct span value)
{
    enum config_key k = config_find_key(p, key);

    if (p->section == SECTION_NONE) {
        errors_add(p->report, p->line, "'" SPAN_FMT "' comes before the first section, %s",
                   SPAN_ARGS(key),
                   k == KEY_COUNT ? "[machine] or " GUEST_SECTION
                                  : config_section_name(config_keys[k].section));
        config_begin_section(p, SECTION_SKIPPED); /* the next lines' trouble is the same */
        return;
    }
    if (k == KEY_COUNT) {
        config_unknown_key(p, key);
        return;
    }
    const struct config_key_row *row = &config_keys[k];
    if (row->section != p->section) {
        errors_add(p->report, p->line, "'%s' belongs in %s, not in %s", row->name,
                   config_section_name(row->section), config_section_name(p->section));
        return;
    }
    if (k != KEY_DISK && p->key_lines[k] != 0) { /* a disk is one of several */
        errors_add(p->report, p->line, "'%s' is already set at line %u", row->name,
                   p->key_lines[k]);
        return;
    }
    p->key_lines[k] = p->line;
    if (value.len == 0)
        errors_add(p->report, p->line, "'%s' has no value; add one or remove the line", row->name);
    else
        row->read(p, value);
}

/* `key` stands first in the line, and something else than '=' follows: nothing, ':' or ': ='. */
static void config_lacks_equals(struct config_parser *p, struct span line, enum config_key key,
                                struct span value)
{
    config_excuse(p, key);
    if (value.len > 0 && value.at[0] == ':')
        value = span_trim(span_from(value, 1));
    if (value.len > 0 && value.at[0] == '=')
        value = span_trim(span_from(value, 1));
    if (value.len == 0)
        errors_add(p->report, p->line, "'%s' has no value; add one or remove the line",
                   config_keys[key].name);
    else
        errors_add(p->report, p->line, "'" SPAN_FMT "': write '%s = " SPAN_FMT "'", SPAN_ARGS(line),
                   config_keys[key].name, SPAN_ARGS(value));
}

/* A line without an '='. */
static void config_read_words(struct config_parser *p, struct span line, enum config_key meant)
{
    if (meant != KEY_COUNT) {
        config_lacks_equals(p, line, meant, (struct span){0});
    } else if (line.at[line.len - 1] == ']') {
        errors_add(p->report, p->line, "'" SPAN_FMT "': the section's '[' is missing",
                   SPAN_ARGS(line));
        config_end_section(p);
        config_begin_section(p, SECTION_SKIPPED);
    } else {
        errors_add(p->report, p->line, "'" SPAN_FMT "' is neither 'key = value' nor a [section]",
                   SPAN_ARGS(line));
    }
}

/* `line` is neither blank nor a header. */
static void config_read_assignment(struct config_parser *p, struct span line)
{
    size_t equals = span_find(line, '=');
    struct span key = span_trim((struct span){.at = line.at, .len = equals});
    const struct span first = config_first_word(line);
    const enum config_key meant = config_guess_key(p, first);

    if (p->section == SECTION_SKIPPED)
        return;
    if (meant != KEY_COUNT && key.len > first.len && config_find_key(p, key) == KEY_COUNT) {
        config_lacks_equals(p, line, meant, span_trim(span_from(line, first.len)));
        return;
    }
    if (equals == line.len) {
        config_read_words(p, line, meant);
        return;
    }
    if (key.len == 0) {
        errors_add(p->report, p->line, "there is no key before the '='");
        return;
    }
    config_read_pair(p, key, span_trim(span_from(line, equals + 1)));
}

/*
 * A '#' begins a comment at the start of a line, and behind white space unless a digit follows:
 * that would be a core number, as in 'cores = #2,#5-7'.
 */
static struct span config_without_comment(struct span line)
{
    line = span_trim(line);
    for (size_t i = 0; i < line.len; i++) {
        bool number = i + 1 < line.len && span_is_digit(line.at[i + 1]);
        if (line.at[i] == '#' && (i == 0 || (span_is_blank(line.at[i - 1]) && !number))) {
            line.len = i;
            break;
        }
    }
    return span_trim(line);
}

/* What cannot be read: a header that begins nothing, or a key that is not missing. */
static void config_skip_line(struct config_parser *p, struct span content)
{
    if (content.len > 0 && content.at[0] == '[') {
        config_end_section(p);
        config_begin_section(p, SECTION_SKIPPED);
        return;
    }
    config_excuse(p, config_guess_key(p, config_first_word(content)));
}

static void config_read_line(struct config_parser *p, struct span line)
{
    struct span content;

    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    content = config_without_comment(line);
    p->any_text = p->any_text || span_trim(line).len > 0;
    if (!config_check_bytes(p, line, content)) {
        config_skip_line(p, content);
        return;
    }
    if (content.len == 0)
        return;
    if (content.at[0] == '[') {
        config_end_section(p);
        config_read_header(p, content);
        return;
    }
    config_read_assignment(p, content);
}

static bool config_starts_with(struct span text, const char *bytes, size_t len)
{
    return text.len >= len && memcmp(text.at, bytes, len) == 0;
}

/* The file as a whole: false when its lines are not worth reading. */
static bool config_check_file(struct span *text, struct errors *report)
{
    if (text->len > CONFIG_SIZE_MAX) {
        errors_add(report, 0, "the file is longer than the limit of %lu bytes", CONFIG_SIZE_MAX);
        return false;
    }
    if (config_starts_with(*text, "\xff\xfe", 2) || config_starts_with(*text, "\xfe\xff", 2)) {
        errors_add(report, 0, "the file is UTF-16 text: save it as UTF-8 or ASCII");
        return false;
    }
    if (config_starts_with(*text, "\xef\xbb\xbf", 3)) /* UTF-8's byte order mark */
        *text = span_from(*text, 3);
    return true;
}

bool config_parse(struct config *config, const char *text, size_t size, struct errors *report)
{
    struct config_parser p = {.config = config, .report = report, .section = SECTION_NONE};
    struct span rest = {.at = text, .len = size};
    uint32_t before = report->count;

    memset(config, 0, sizeof(*config));
    config->machine.serial = true;
    config->machine.screen = true;
    config->machine.timeout = TIMEOUT_DEFAULT;
    if (!config_check_file(&rest, report))
        return false;
    while (rest.len > 0) {
        struct span line = {.at = rest.at, .len = span_find(rest, '\n')};
        p.line++;
        rest = span_from(rest, line.len + 1);
        config_read_line(&p, line);
    }
    config_end_section(&p);
    config_links_end(&p);
    config_confirm_end(&p);
    if (!p.any_text)
        errors_add(report, 0, "the file is empty: it needs at least one " GUEST_SECTION " section");
    else if (config->guest_count == 0 && !p.any_skipped)
        errors_add(report, 0, "the file has no " GUEST_SECTION " section: it needs at least one");
    return report->count == before;
}
