/* SPDX-License-Identifier: MIT */
/*
 * takers: lists who holds a resource that has run short, for error messages. Pure.
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
