/* SPDX-License-Identifier: MIT */
/*
 * look: a control structure of the processor's as lines for people: of each field the manual's
 * name, the value and what it means, and a mark where it is not what was shown before. Pure. The
 * tables of fields are the backends' (vmx/look_fields.c, svm/look_fields.c); what both have in
 * common is in look_registers.c.
 */
#pragma once

#include "lib/log.h"
#include "lib/types.h"

/* ------------------------------------------------------------------ words */

/* A line that grows by words; full, it goes out and another begins below it. */
struct look_line {
    log_sink sink;
    size_t len;   /* of `text` */
    bool is_list; /* the next word is not the first since the line's title */
    char text[LOG_LINE_MAX];
};

/* Begins a line with `fmt`; what was begun before has been ended. */
void look_begin(struct look_line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* One more word, after a comma if it is not the first. At most 80 characters of it. */
void look_word(struct look_line *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts it out. */
void look_end(struct look_line *l);

/* A row of a table of bits; the last one has no name. */
struct look_bit {
    uint32_t bit;
    const char *name;
};

/* The names of the bits that are 1; "bit 5" for one without a name, "bits 7:5" for a row of them.
 */
void look_bits(struct look_line *l, const struct look_bit *names, uint64_t value);

/* "TITLE 7 NAME", with the number alone where the table has no name for it; `title` may be "". */
void look_number(struct look_line *l, const char *title, const struct look_bit *names,
                 uint64_t value);

/* look_registers.c. SDM, APM "Control Registers", "RFLAGS Register", "Debug Registers" ... */
extern const struct look_bit look_cr0_bits[], look_cr4_bits[], look_rflags_bits[], look_efer_bits[],
    look_dr6_bits[], look_dr7_bits[], look_debugctl_bits[], look_exception_bits[];

/* "GDT, index 2, RPL 0" */
void look_selector(struct look_line *l, uint64_t value);

/* Bits 7:0 of a descriptor's attributes: type, S, DPL, P. */
void look_descriptor(struct look_line *l, uint64_t value);

/* The memory types of the eight entries. */
void look_pat(struct look_line *l, uint64_t value);

/* ------------------------------------------------------------------ fields */

struct look_field {
    const char *name;            /* the manual's */
    uint32_t place;              /* the backend's: where it is */
    uint32_t part : 8;           /* of the structure; index into struct look's names */
    uint32_t bytes : 8;          /* 1, 2, 4 or 8 */
    uint32_t needs : 16;         /* the backend's: when a processor has it */
    const struct look_bit *bits; /* NULL: it has none with names */
    /* Or, in place of these, what more it means; `context` is struct look's. */
    void (*words)(struct look_line *l, uint64_t value, const void *context);
};

/* What one command shows. */
struct look {
    const struct look_field *fields;
    uint32_t count;
    const char *const *parts;  /* words for an operator to type */
    const char *const *titles; /* the same as the manual has them */
    uint32_t part_count;
    const uint64_t *now;   /* [count] */
    uint64_t *shown;       /* [count]: as each was shown last; showing it makes it `now` */
    const bool *is_absent; /* [count]: this processor has none */
    const void *context;   /* for words() */
};

#define LOOK_ALL UINT32_MAX

/* Which part an operator means by a word: its name or the beginning of it; LOOK_ALL for "all".
 * False: none. */
MUST_CHECK bool look_part(const struct look *look, const char *word, uint32_t *part);

/* The fields of a part, or of all. */
void look_show(const struct look *look, uint32_t part, log_sink sink);

/* How many fields each part has, and those that have changed. */
void look_show_changes(const struct look *look, log_sink sink);
