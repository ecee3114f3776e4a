/* SPDX-License-Identifier: MIT */
/*
 * config_parts: shared by the parser's files. No other file includes it.
 */
#pragma once

#include "kernel/config/config.h"
#include "kernel/config/text_span.h"

enum config_section {
    SECTION_NONE, /* before the first header */
    SECTION_MACHINE,
    SECTION_GUEST,
    SECTION_LINK,
    SECTION_SKIPPED, /* its header was refused: its keys would only repeat that */
};

enum config_key {
    KEY_CONSOLE,
    KEY_RESERVE,
    KEY_THREADS,
    KEY_TSC,
    KEY_ON_PANIC,
    KEY_TIMEOUT,
    KEY_ISOLATION,
    KEY_CONFIRM,
    KEY_CORES,
    KEY_MEMORY,
    KEY_IMAGE,
    KEY_INITRD,
    KEY_DISK,
    KEY_DEVICES,
    KEY_CMDLINE,
    KEY_ON_CRASH,
    KEY_ON_POWEROFF,
    KEY_ON_DMA_FAULT,
    KEY_WATCHDOG,
    KEY_DEBUG,
    KEY_TRACE,
    KEY_LINK_GUESTS,
    KEY_LINK_MEMORY,
    KEY_LINK_SERIAL,
    KEY_COUNT
};

#define GUEST_SECTION "[guest NAME]"
#define LINK_SECTION  "[link NAME]"

struct config_parser {
    struct config *config;
    struct errors *report;
    uint32_t line; /* the current one, from 1 */
    enum config_section section;
    struct config_guest *guest; /* SECTION_GUEST */
    struct config_link *link;   /* SECTION_LINK */
    uint32_t machine_line;      /* of the first [machine]; 0: none yet */
    bool any_text;              /* a line that is not blank was seen */
    bool any_skipped;           /* a section was refused */
    uint32_t confirm_line;      /* of a confirm that names a guest; 0: none */
    enum confirm_by confirm_by;
    char confirm_guest[GUEST_NAME_MAX];
    /* Of the current section: */
    uint32_t key_lines[KEY_COUNT]; /* where the key was given, well or badly; 0: not */
    uint32_t excused; /* bit per key: not missing as well, as the line or the name is wrong */
};

/* How a refused value is shown: `"'" VALUE " is not ...", VALUE_ARGS(value)`; where a comment seems
 * to have slipped into it, with how to write that comment. */
#define VALUE         SPAN_FMT "%s"
#define VALUE_ARGS(v) SPAN_ARGS(v), config_comment_hint(v)

struct config_unit {
    const char *name;
    uint64_t factor;
};

/* "500 ms": digits, then one of `units`; else false. */
MUST_CHECK bool config_quantity(struct span value, const struct config_unit *units, size_t count,
                                uint64_t *number, uint64_t *factor);

/* ---- config_sections.c ---- */

void config_begin_section(struct config_parser *p, enum config_section section);

/* `line` begins with '['; the section before it has been ended. */
void config_read_header(struct config_parser *p, struct span line);

/* ---- config_names.c ---- */

/* A bad name is reported; its section is read all the same, for the errors in it. */
void config_check_name(struct config_parser *p, struct span name);
void config_check_link_name(struct config_parser *p, struct span name);

/* The guest of this name, or guest_count. */
uint32_t config_find_guest(const struct config *config, const char *name);

/* There is none of this name, for all guests are known; `line` names it. */
void config_unknown_guest(struct config_parser *p, uint32_t line, const char *name);

/* A file of \bulkhead\. */
void config_file_name(struct config_parser *p, struct span name, char out[FILE_NAME_MAX]);

/* ---- config_hints.c ---- */

const char *config_comment_hint(struct span value);

/* What a line begins with: up to a blank, '=' or ':'. */
struct span config_first_word(struct span line);

/* The key that other programs call `word`, or KEY_COUNT. */
enum config_key config_alias(struct span word);

/* Why there is no key `word`, where people expect one; else NULL. */
const char *config_lacks(struct span word);

/* `content` is the line without its comment. False where it cannot be read; then it is reported. */
bool config_check_bytes(struct config_parser *p, struct span line, struct span content);

/* "1-2" → "#1-2", "1, 2" → "#1,#2"; false where `value` is no list of numbers. */
bool config_with_signs(struct span value, char *buf, size_t size);

/* ---- config_confirm.c ---- */

/* When all guests are known: the one that confirms. */
void config_confirm_end(struct config_parser *p);

/* ---- config_values.c ---- */

/* Memory: whole pages, `min` bytes or more; false: it is not, and that is reported. */
bool config_size(struct config_parser *p, struct span value, uint64_t min, uint64_t *bytes);

/* ---- config_link.c ---- */

/* When all guests are known: finds those that links name, and counts each guest's links. */
void config_links_end(struct config_parser *p);

/* ---- config_values.c, config_confirm.c, config_disk.c, config_device.c, config_link.c,
 * config_policy.c ---- */

/* One per key: reads a value that is not empty, reports what is wrong with it. */
void config_read_console(struct config_parser *p, struct span value);
void config_read_reserve(struct config_parser *p, struct span value);
void config_read_threads(struct config_parser *p, struct span value);
void config_read_tsc(struct config_parser *p, struct span value);
void config_read_on_panic(struct config_parser *p, struct span value);
void config_read_isolation(struct config_parser *p, struct span value);
void config_read_confirm(struct config_parser *p, struct span value);
void config_read_timeout(struct config_parser *p, struct span value);
void config_read_cores(struct config_parser *p, struct span value);
void config_read_memory(struct config_parser *p, struct span value);
void config_read_image(struct config_parser *p, struct span value);
void config_read_initrd(struct config_parser *p, struct span value);
void config_read_disk(struct config_parser *p, struct span value);
void config_read_devices(struct config_parser *p, struct span value);
void config_read_cmdline(struct config_parser *p, struct span value);
void config_read_on_crash(struct config_parser *p, struct span value);
void config_read_on_poweroff(struct config_parser *p, struct span value);
void config_read_on_dma_fault(struct config_parser *p, struct span value);
void config_read_watchdog(struct config_parser *p, struct span value);
void config_read_debug(struct config_parser *p, struct span value);
void config_read_trace(struct config_parser *p, struct span value);
void config_read_link_guests(struct config_parser *p, struct span value);
void config_read_link_memory(struct config_parser *p, struct span value);
void config_read_link_serial(struct config_parser *p, struct span value);
