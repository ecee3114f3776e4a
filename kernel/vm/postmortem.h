/* SPDX-License-Identifier: MIT */
/*
 * postmortem: the report of a guest's last crash, kept for an operator to read later. Bounded; the
 * guest's next crash replaces it, its next life does not. Pure.
 */
#pragma once

#include "lib/lock.h"
#include "lib/types.h"

#define POSTMORTEM_BYTES 8192 /* a diagnosis has 3 KiB; the rest is for the other cores' lines */

struct postmortem {
    struct lock lock; /* guards all but `vcpu` */
    uint32_t crashes; /* so far; 0: the rest means nothing */
    uint32_t life;    /* in which it was, counted from 1 */
    uint32_t vcpu;    /* whose exit it was; the core that ended the life writes */
    uint32_t len;
    bool full;     /* lines are missing at the end */
    uint64_t when; /* TSC */
    char text[POSTMORTEM_BYTES];
};

/* Lines on their way out; begins as zeroes. */
struct postmortem_reader {
    uint32_t crash; /* which one is being read, as `crashes` was then */
    uint32_t at;
};

/* Forgets the crash before. Any core, as all of these. */
void postmortem_begin(struct postmortem *p, uint32_t life, uint64_t now);

/* A line without its newline. */
void postmortem_put(struct postmortem *p, const char *line, size_t len);

/* The next line, cut to fit; false: that was the last one, or another crash has come meanwhile. */
MUST_CHECK bool postmortem_next(struct postmortem *p, struct postmortem_reader *r, char *line,
                                size_t size);
