/* SPDX-License-Identifier: MIT */
/*
 * endings: attacks that end the guest or that only an operator can end. They return only when they
 * failed to.
 */
#pragma once

#include "guests/hostile/hostile.h"

struct ending {
    const char *row, *name;
    void (*run)(void);
};

/* Each ends with a row without a name, the list with NULL. */
extern const struct ending endings_memory[], endings_events[], endings_modes[], endings_power[],
    endings_wide[], endings_msix[];
extern const struct ending *const ending_tables[];
