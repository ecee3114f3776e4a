/* SPDX-License-Identifier: MIT */
/*
 * pacing: how soon one life of a guest follows the last, and how much is said about it. A guest
 * that ends again and again must neither keep its core busy with clearing and loading nor fill the
 * log. Pure; times are TSC ticks. Caller: the core that ends the guest's life, or an operator's
 * start.
 */
#pragma once

#include "lib/types.h"

#define PACING_FIRST_MS    1 /* pause after the first life shorter than a second; then it doubles */
#define PACING_DIAGNOSES   2 /* that may be printed at once */
#define PACING_DIAGNOSIS_S 60 /* seconds in which another one is earned */

#define PACING_FIRST_UNTOLD 3 /* struct pacing, loops */

struct pacing {
    uint64_t hz;     /* of the TSC */
    uint64_t pause;  /* before the next life; 0: the last one was long enough */
    uint32_t loops;  /* lives in a row that were followed by the longest pause */
    uint32_t untold; /* lives since the last one that was reported */
    uint64_t earned; /* ticks, for diagnoses */
    uint64_t since;  /* TSC up to which they are counted */
};

struct pacing_next {
    uint64_t pause;
    bool is_told; /* the end is worth a line, and the next beginning too */
};

/* As if the guest had never run. */
void pacing_reset(struct pacing *p, uint64_t hz, uint64_t now);

/* A life that took `lived` ticks ends, and another one will follow. Once pauses have reached a
 * second, only lives 1, 2, 4, 8 and so on are told, so that PACING_FIRST_UNTOLD is the first one
 * left out. */
struct pacing_next pacing_next(struct pacing *p, uint64_t lived);

/* Whether a diagnosis may be printed before another life follows; then it counts as printed. */
MUST_CHECK bool pacing_diagnose(struct pacing *p, uint64_t now);
