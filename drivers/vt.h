/* SPDX-License-Identifier: MIT */
/*
 * vt: a small terminal of 24 rows with 80 columns: what a program finds that drives a full screen.
 * Pure: the screen driver draws it, a host test looks at it.
 *
 * Known are, of ECMA-48 and DEC's VT102: cursor movement, erasing, inserting and deleting, a region
 * that scrolls, saving the cursor, sixteen colours (the nearest one of others), line drawing, and
 * the modes for wrapping, inserting, the cursor and the alternate screen, which is only an empty
 * one. Everything else is left out whole (lib/escape.h). Questions are not answered.
 */
#pragma once

#include "drivers/vt_grid.h"
#include "lib/escape.h"
#include "lib/types.h"
#include "lib/utf8.h"

#define VT_PARAMETERS 16 /* a power of two */

struct vt {
    struct vt_grid grid;
    struct vt_grid_cursor saved;
    struct utf8 utf8;
    struct escape escape;
    uint8_t marker, intermediate; /* of the sequence that is coming in; 0: none */
    uint32_t at;                  /* the parameter that is coming in */
    uint32_t parameters[VT_PARAMETERS];
};

/* Empty, and nothing of it drawn; smaller where the screen is. */
void vt_init(struct vt *vt, uint32_t columns, uint32_t rows);

void vt_put(struct vt *vt, uint8_t byte);
