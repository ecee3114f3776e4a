/* SPDX-License-Identifier: MIT */
/*
 * refused: counts what a guest was refused, by number (an MSR, an I/O port), for diagnosis. Pure.
 */
#pragma once

#include "lib/types.h"

#define REFUSED_ROWS 8 /* the first few numbers; later ones are in the total only */

struct refused {
    uint64_t total;
    struct refused_row {
        uint32_t index;
        uint32_t count; /* 0: a free row */
    } rows[REFUSED_ROWS];
};

/*@ predicate one_more(integer before, integer after) =
  @   after == (before < UINT64_MAX ? before + 1 : 0);
  @*/
/*@ requires \valid(r);
  @ assigns *r;
  @ ensures counted: one_more(\old(r->total), r->total);
  @ ensures \forall integer i; 0 <= i < REFUSED_ROWS ==>
  @   r->rows[i] == \old(r->rows[i]) || r->rows[i].index == index;
  @*/
COLD void refused_count(struct refused *r, uint32_t index);
