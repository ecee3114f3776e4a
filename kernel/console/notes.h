/* SPDX-License-Identifier: MIT */
/*
 * notes: the hypervisor's own lines about one guest (a life begins, a life ends, a diagnosis), each
 * at its place among what the guest itself says. Whoever writes one never waits for the console:
 * the line comes out when all that the guest said before has come out. Pure.
 *
 * Any core puts, one at a time; whoever pumps the console takes.
 */
#pragma once

#include <stdatomic.h>

#include "lib/lock.h"
#include "lib/log.h"
#include "lib/types.h"

#define NOTES_MAX  128 /* a power of two; three diagnoses, and restarts until pauses are long */
#define NOTES_LINE (LOG_LINE_MAX + 16) /* the longest line with its prefix */

/* What is said of a crash is kept apart in the log in memory, each guest's for itself. */
enum note_kind { NOTE_LIFE, NOTE_CRASH };

struct note {
    uint32_t place; /* tx_place() of the guest's ring */
    uint32_t len;
    uint64_t when; /* TSC */
    char text[LOG_LINE_MAX];
};

struct notes {
    struct lock lock;      /* producers */
    _Atomic uint32_t head; /* producers */
    _Atomic uint32_t tail; /* the consumer */
    _Atomic uint32_t lost; /* since the last one taken; shown once those before are out */
    struct note rows[NOTES_MAX];
};

void notes_put(struct notes *n, uint32_t place, uint64_t when, const char *text, size_t len);

/* The oldest one, NULL: none. Valid until it is taken. Consumer only. */
const struct note *notes_first(const struct notes *n);

/* "prefix" "text" of the oldest one, its length; 0: there is none. After the last line before a
 * loss comes one that says how many were lost. Consumer only. */
uint32_t notes_take(struct notes *n, const char *prefix, uint8_t line[NOTES_LINE]);
