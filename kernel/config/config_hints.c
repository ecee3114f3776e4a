/* SPDX-License-Identifier: MIT */
/*
 * config_hints: recognises what people write into bulkhead.conf out of habit from other programs,
 * and what a word processor substitutes, and suggests what was meant. Pure.
 */
#include "kernel/config/config_parts.h"

#include "lib/string.h"

struct span config_first_word(struct span line)
{
    size_t len = 0;

    while (len < line.len && !span_is_blank(line.at[len]) && line.at[len] != '=' &&
           line.at[len] != ':')
        len++;
    return (struct span){.at = line.at, .len = len};
}

enum config_key config_alias(struct span word)
{
    static const struct {
        const char *name;
        enum config_key key;
    } rows[] = {
        {"cpu", KEY_CORES},        {"cpus", KEY_CORES},      {"vcpus", KEY_CORES},
        {"smp", KEY_CORES},        {"mem", KEY_MEMORY},      {"ram", KEY_MEMORY},
        {"kernel", KEY_IMAGE},     {"linux", KEY_IMAGE},     {"file", KEY_IMAGE},
        {"initramfs", KEY_INITRD}, {"ramdisk", KEY_INITRD},  {"module", KEY_INITRD},
        {"disks", KEY_DISK},       {"drive", KEY_DISK},      {"hda", KEY_DISK},
        {"pmem", KEY_DISK},        {"hdd", KEY_DISK},        {"nvdimm", KEY_DISK},
        {"append", KEY_CMDLINE},   {"args", KEY_CMDLINE},    {"arguments", KEY_CMDLINE},
        {"cmd", KEY_CMDLINE},      {"options", KEY_CMDLINE}, {"commandline", KEY_CMDLINE},
        {"smt", KEY_THREADS},      {"ht", KEY_THREADS},      {"hyperthreading", KEY_THREADS},
        {"gdb", KEY_DEBUG},        {"gdbserver", KEY_DEBUG}, {"gdbstub", KEY_DEBUG},
        {"panic", KEY_ON_PANIC},   {"device", KEY_DEVICES},  {"passthrough", KEY_DEVICES},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (span_is_any_case(word, rows[i].name))
            return rows[i].key;
    return KEY_COUNT;
}

const char *config_lacks(struct span word)
{
    static const char device[] = "write 'devices = KIND' for a device of the machine's";
    static const char net[] = "a " LINK_SECTION " section joins guests; a network card of the "
                              "machine's is 'devices = ethernet'";
    static const char link[] = "write a " LINK_SECTION " section with 'guests = ...'";
    static const struct {
        const char *name;
        const char *why;
    } rows[] = {
        {"link", link},
        {"links", link},
        {"share", link},
        {"shared", link},
        {"shm", link},
        {"ivshmem", link},
        {"root", "write 'disk = FILE', and 'root=/dev/pmem0' into the cmdline"},
        {"net", net},
        {"nic", net},
        {"network", net},
        {"pci", device},
        {"usb", device},
        {"vga", device},
        {"display", device},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (span_is_any_case(word, rows[i].name))
            return rows[i].why;
    return NULL;
}

const char *config_comment_hint(struct span value)
{
    for (size_t i = 1; i < value.len; i++) {
        const char before = value.at[i - 1];

        if (value.at[i] != '#' || before == ',' || before == '-') /* of a list of cores */
            continue;
        if (span_is_blank(before))
            return "' (a comment needs a space after its '#')";
        if (i + 1 < value.len && span_is_digit(value.at[i + 1]))
            return "' (a comment needs a space before and after its '#')";
        return "' (a comment needs a space before its '#')";
    }
    return "'";
}

/* What a word processor makes of plain signs, in UTF-8; NULL for any other letter. */
static const char *config_typographic(struct span at)
{
    static const struct {
        const char *first, *last; /* of equal length */
        const char *what;
    } rows[] = {
        {"\xe2\x80\x98", "\xe2\x80\x9f",
         "a typographic quotation mark: write values without quotes"},
        {"\xc2\xab", "\xc2\xab", "a quotation mark: write values without quotes"},
        {"\xc2\xbb", "\xc2\xbb", "a quotation mark: write values without quotes"},
        {"\xe2\x80\x90", "\xe2\x80\x95", "a typographic dash: write '-'"},
        {"\xc2\xa0", "\xc2\xa0", "a no-break space: use an ordinary space"},
        {"\xe2\x80\x80", "\xe2\x80\x8a", "a typographic space: use an ordinary space"},
        {"\xe2\x80\xaf", "\xe2\x80\xaf", "a no-break space: use an ordinary space"},
        {"\xe2\x80\x8b", "\xe2\x80\x8f", "an invisible character: delete it"},
        {"\xef\xbb\xbf", "\xef\xbb\xbf", "an invisible byte order mark: delete it"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const size_t len = strlen(rows[i].first);
        if (at.len >= len && memcmp(at.at, rows[i].first, len) >= 0 &&
            memcmp(at.at, rows[i].last, len) <= 0)
            return rows[i].what;
    }
    return NULL;
}

/* Letters beyond ASCII may stand in comments; control characters nowhere. */
bool config_check_bytes(struct config_parser *p, struct span line, struct span content)
{
    const char *content_end = content.at + content.len;

    for (size_t i = 0; i < line.len; i++) {
        const uint8_t c = (uint8_t)line.at[i];
        const char *what = NULL;

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            errors_add(p->report, p->line, "byte 0x%02x in column %zu is not text: delete it", c,
                       i + 1);
            return false;
        }
        if (c < 0x80 || line.at + i >= content_end)
            continue;
        what = config_typographic(span_from(line, i));
        if (what != NULL)
            errors_add(p->report, p->line, "column %zu has %s", i + 1, what);
        else
            errors_add(p->report, p->line,
                       "byte 0x%02x in column %zu is not ASCII; only comments may hold it", c,
                       i + 1);
        return false;
    }
    return true;
}

bool config_with_signs(struct span value, char *buf, size_t size)
{
    bool begins = true; /* the next digit is an item's first */
    bool list = false;
    size_t len = 0;

    for (size_t i = 0; i < value.len; i++) {
        const char c = value.at[i];

        if (span_is_blank(c))
            continue;
        if (c != ',' && c != '-' && !span_is_digit(c))
            return false;
        if (len + 2 >= size || (begins && !span_is_digit(c)))
            return false;
        if (begins)
            buf[len++] = '#';
        buf[len++] = c;
        begins = c == ',';
        list = list || !span_is_digit(c);
    }
    buf[len] = '\0';
    return list && !begins && span_is_digit(buf[len - 1]);
}
