/* SPDX-License-Identifier: MIT */
/*
 * takers: who has what of something that is short, for an error's text. Pure.
 */
#pragma once

#include "lib/types.h"

/* ", 1 for 'clock', 2 for 'linux'" */
struct takers {
    char text[96];
    size_t len;
    uint32_t unnamed; /* guests that found no room in `text` */
};

void takers_add(struct takers *takers, const char *amount, const char *name);

/* Ends the list; the text lives as long as `takers`. */
const char *takers_text(struct takers *takers);
