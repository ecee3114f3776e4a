/* SPDX-License-Identifier: MIT */
/*
 * guess: which word somebody meant who mistyped it. Pure.
 */
#pragma once

#include "kernel/config/text_span.h"
#include "lib/types.h"

#define GUESS_WORD_MAX 64 /* a file's name; longer words are not looked at */

/* How unlike two words are, whatever their case: letters added, left out, replaced, or two swapped,
 * each counts one. UINT32_MAX: one of them is longer than GUESS_WORD_MAX. */
uint32_t guess_distance(struct span typed, const char *meant);

/* Whether `meant` is worth proposing for `typed`: it differs in case, it begins with what was
 * typed, or there is one slip in three letters. */
bool guess_is_near(struct span typed, const char *meant);

/* Probably a slip of the keyboard for `meant`: at most two. */
bool guess_is_slip(struct span typed, const char *meant);
