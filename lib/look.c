/* SPDX-License-Identifier: MIT */
#include "lib/look.h"

#include <stdarg.h>

#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define COLUMNS  88 /* of a line, without the console's prefix: for a terminal of 100 */
#define INDENT   "        "
#define WORD_MAX 80

/* ------------------------------------------------------------------ words */

void look_begin(struct look_line *l, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    l->len = fmt_vprint(l->text, sizeof(l->text), fmt, args);
    va_end(args);
    l->is_list = false;
}

void look_word(struct look_line *l, const char *fmt, ...)
{
    char word[WORD_MAX + 1];
    va_list args;

    va_start(args, fmt);
    const size_t len = fmt_vprint(word, sizeof(word), fmt, args);
    va_end(args);
    if (l->is_list)
        l->len += fmt_print(l->text + l->len, sizeof(l->text) - l->len, ",");
    if (l->len + 1 + len > COLUMNS) {
        l->sink("%s", l->text);
        l->len = fmt_print(l->text, sizeof(l->text), INDENT "%s", word);
    } else {
        l->len += fmt_print(l->text + l->len, sizeof(l->text) - l->len, " %s", word);
    }
    l->is_list = true;
}

void look_end(struct look_line *l)
{
    l->sink("%s", l->text);
}

static const char *look_name(const struct look_bit *names, uint64_t bit)
{
    for (; names->name; names++) {
        if (names->bit == bit)
            return names->name;
    }
    return NULL;
}

void look_bits(struct look_line *l, const struct look_bit *names, uint64_t value)
{
    for (uint32_t bit = 0; bit < 64; bit++) {
        const char *name = look_name(names, bit);
        const uint32_t first = bit;

        if (!(value >> bit & 1))
            continue;
        if (name) {
            look_word(l, "%s", name);
            continue;
        }
        while (bit + 1 < 64 && (value >> (bit + 1) & 1) && !look_name(names, bit + 1))
            bit++;
        if (bit == first)
            look_word(l, "bit %u", bit);
        else
            look_word(l, "bits %u:%u", bit, first);
    }
}

void look_number(struct look_line *l, const char *title, const struct look_bit *names,
                 uint64_t value)
{
    const char *name = look_name(names, value);

    look_word(l, "%s%s%llu%s%s", title, title[0] ? " " : "", (unsigned long long)value,
              name ? " " : "", name ? name : "");
}

/* ------------------------------------------------------------------ fields */

bool look_part(const struct look *look, const char *word, uint32_t *part)
{
    *part = LOOK_ALL;
    if (text_equal(word, "all"))
        return true;
    for (uint32_t p = 0; p < look->part_count; p++) {
        const char *name = look->parts[p];
        if (strlen(word) > 0 && strlen(word) <= strlen(name) &&
            memcmp(word, name, strlen(word)) == 0) {
            *part = p;
            return true;
        }
    }
    return false;
}

static bool look_has_changed(const struct look *look, uint32_t i)
{
    return !look->is_absent[i] && look->now[i] != look->shown[i];
}

/* Columns of the names of a part's fields. */
static int look_width(const struct look *look, uint32_t part)
{
    size_t width = 0;

    for (uint32_t i = 0; i < look->count; i++) {
        const size_t len = strlen(look->fields[i].name);
        if ((part == LOOK_ALL || look->fields[i].part == part) && len > width)
            width = len;
    }
    return (int)width;
}

static void look_show_field(const struct look *look, uint32_t i, int width, log_sink sink)
{
    const struct look_field *f = &look->fields[i];
    const uint64_t value = look->now[i];
    const int digits = (int)(2 * f->bytes);
    struct look_line line = {.sink = sink};

    if (look_has_changed(look, i))
        look_begin(&line, "* %-*s 0x%0*llx (was 0x%0*llx)", width, f->name, digits,
                   (unsigned long long)value, digits, (unsigned long long)look->shown[i]);
    else
        look_begin(&line, "  %-*s 0x%0*llx", width, f->name, digits, (unsigned long long)value);
    if (f->bits)
        look_bits(&line, f->bits, value);
    if (f->words)
        f->words(&line, value, look->context);
    look_end(&line);
    look->shown[i] = value;
}

static void look_show_absent(const struct look *look, uint32_t part, log_sink sink)
{
    struct look_line line = {.sink = sink};

    look_begin(&line, "  not in this processor:");
    for (uint32_t i = 0; i < look->count; i++) {
        if (look->fields[i].part == part && look->is_absent[i])
            look_word(&line, "%s", look->fields[i].name);
    }
    if (line.is_list)
        look_end(&line);
}

static void look_show_part(const struct look *look, uint32_t part, log_sink sink)
{
    const int width = look_width(look, part);

    sink("%s:", look->titles[part]);
    for (uint32_t i = 0; i < look->count; i++) {
        if (look->fields[i].part == part && !look->is_absent[i])
            look_show_field(look, i, width, sink);
    }
    look_show_absent(look, part, sink);
}

void look_show(const struct look *look, uint32_t part, log_sink sink)
{
    for (uint32_t p = 0; p < look->part_count; p++) {
        if (part == LOOK_ALL || part == p)
            look_show_part(look, p, sink);
    }
}

void look_show_changes(const struct look *look, log_sink sink)
{
    const int width = look_width(look, LOOK_ALL);
    uint32_t all = 0;

    for (uint32_t p = 0; p < look->part_count; p++) {
        uint32_t fields = 0, changed = 0;

        for (uint32_t i = 0; i < look->count; i++) {
            fields += look->fields[i].part == p && !look->is_absent[i];
            changed += look->fields[i].part == p && look_has_changed(look, i);
        }
        sink("  %-9s %s: %u field%s, %u changed", look->parts[p], look->titles[p], fields,
             fmt_plural(fields), changed);
        all += changed;
    }
    sink("  %-9s the rules of an entry, and which of them hold", "audit");
    for (uint32_t i = 0; i < look->count && all > 0; i++) {
        if (look_has_changed(look, i))
            look_show_field(look, i, width, sink);
    }
}
