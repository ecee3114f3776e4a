/* SPDX-License-Identifier: MIT */
/*
 * logring: the hypervisor's own lines on their way to the console. Any core puts, whoever pumps
 * takes; a line that finds no room is counted, and the count is shown in its place. Pure.
 */
#pragma once

#include "lib/lock.h"
#include "lib/log.h"
#include "lib/types.h"

#define LOGRING_BYTES (32 * 1024)         /* a power of two */
#define LOGRING_LINE  (LOG_LINE_MAX + 16) /* the longest line with its prefix */

struct logring {
    struct lock lock; /* guards all of it */
    uint32_t head, tail;
    uint32_t lost; /* lines since the last one taken */
    uint8_t bytes[LOGRING_BYTES];
};

/* Adds "prefix" "text" as one line. */
void logring_put(struct logring *ring, const char *prefix, const char *text, size_t len);

/* The oldest line without its end, its length; 0: there is none. Behind the last line before a
 * loss comes one that says how many were lost. */
uint32_t logring_take(struct logring *ring, const char *prefix, uint8_t line[LOGRING_LINE]);

/* The next byte, without the lock: for a panic, when nobody else runs. */
MUST_CHECK bool logring_next_byte(struct logring *ring, uint8_t *byte);

/* A glance, without the lock. */
bool logring_is_empty(const struct logring *ring);
