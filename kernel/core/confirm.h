/* SPDX-License-Identifier: MIT */
/*
 * confirm: a set of files that is tried (kernel/config/next.h) is kept from now on. Who wants that
 * says so on any core; it is stored on core 0, at a moment that harms no guest.
 */
#pragma once

#include "lib/types.h"

/* This boot tries set `id`. `cannot`: why it cannot be confirmed, NULL: it can. Boot core, before
 * memory is sealed. */
void confirm_init(uint64_t id, const char *cannot);

/* Whether this boot tries a set, and if so, why it cannot be confirmed in `*cannot`, or NULL. */
bool confirm_is_tried(const char **cannot);

/* Whether that set is confirmed: written down, and nothing more is to do. Any core. */
bool confirm_is_stored(void);

/* Whether confirm_ask() would do anything. Any core. */
bool confirm_is_wanted(void);

/* Wants the set to be kept; `by`, for the log: who. Nothing where no set is tried, or one asked
 * before. Any core. */
void confirm_ask(const char *by);

/* Stores it if someone has asked and now is the moment: `is_free`, no guest's registers are in this
 * core. Core 0. */
void confirm_look(bool is_free);

/* The machine ends, and no guest goes on (life_end_all()): stores what was asked for. Any core;
 * others than core 0 wait for that one, some seconds at most. */
void confirm_before_end(void);
