/* SPDX-License-Identifier: MIT */
/*
 * guess: which word somebody meant who mistyped it. Pure.
 */
#pragma once

#include "lib/types.h"

#define GUESS_WORD_MAX 24 /* longer words are nobody's slip of the finger */

/* How unlike two words are, whatever their case: letters added, left out, replaced, or two swapped,
 * each counts one. UINT32_MAX: one of them is longer than GUESS_WORD_MAX. */
uint32_t guess_distance(const char *typed, const char *meant);

/* Whether `meant` is worth proposing for `typed`: it differs in case, it begins with what was
 * typed, or there is one slip in three letters. */
bool guess_is_near(const char *typed, const char *meant);
