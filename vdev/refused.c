/* SPDX-License-Identifier: MIT */
#include "vdev/refused.h"

void refused_count(struct refused *r, uint32_t index)
{
    r->total++;
    /*@ loop invariant 0 <= i <= REFUSED_ROWS;
      @ loop assigns i;
      @ loop variant REFUSED_ROWS - i;
      @*/
    for (uint32_t i = 0; i < REFUSED_ROWS; i++) {
        if (r->rows[i].count != 0 && r->rows[i].index != index)
            continue;
        r->rows[i].index = index;
        r->rows[i].count++;
        return;
    }
}
