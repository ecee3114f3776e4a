/* SPDX-License-Identifier: MIT */
/*
 * raw: one guest has the terminal for itself, its bytes go there as they are. Knows how such a view
 * begins and ends, and what puts a terminal in order afterwards. Pure. Caller: the holder of the
 * console lock.
 */
#pragma once

#include "kernel/console/guest_lines.h"
#include "lib/types.h"

enum raw_end {
    RAW_STAYS,
    RAW_ENDS_LAST, /* once the guest has nothing more to say */
    RAW_ENDS,
};

struct raw {
    struct guest_lines *guest; /* NULL: there is no such view */
    bool is_on;                /* it has begun; before, lines up to `place` of the log go out */
    enum raw_end end;
    uint32_t place;
    uint32_t in_order; /* position in the terminal's stage where the last view was undone */
};

/* What undoes anything that a guest can have done to a terminal and that would go on working, and
 * leaves it at the beginning of an empty row. */
extern const char raw_order[];
#define RAW_ORDER_MAX 400 /* bytes */

/* Says what it is and how it ends; from then on the guest's bytes may go out. */
void raw_begin(struct raw *r, struct output *lines, uint64_t now);

/* The terminal is everybody's again. */
void raw_end(struct raw *r, struct output *lines, uint64_t now);

/* The terminal has not got all yet that puts it in order. */
bool raw_is_undone_later(const struct raw *r, const struct terminal *t);
