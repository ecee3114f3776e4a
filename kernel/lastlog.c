/* SPDX-License-Identifier: MIT */
#include "kernel/lastlog.h"

#include "lib/bits.h"

#define LASTLOG_MAGIC   UINT64_C(0x474f4c5453414c42) /* "BLASTLOG", little-endian */
#define LASTLOG_VERSION 1
#define LASTLOG_LEAST   1024 /* bytes of memory below which it is not worth while */

/* Lines, each ending in '\n', in a ring of `capacity` bytes. */
struct lastlog_half {
    uint64_t magic; /* written last, erased first */
    uint32_t version;
    uint32_t capacity;
    uint64_t boot;       /* counts up: the higher one of two is the later one */
    uint64_t head;       /* bytes ever written */
    uint64_t head_check; /* its complement */
    char text[];
};

static bool lastlog_is_valid(const struct lastlog_half *h, uint64_t capacity)
{
    return h->magic == LASTLOG_MAGIC && h->version == LASTLOG_VERSION && h->capacity == capacity &&
           h->head_check == ~h->head;
}

static void lastlog_begin(struct lastlog_half *h, uint32_t capacity, uint64_t boot)
{
    volatile uint64_t *magic = &h->magic;

    *magic = 0;
    h->version = LASTLOG_VERSION;
    h->capacity = capacity;
    h->boot = boot;
    h->head = 0;
    h->head_check = ~UINT64_C(0);
    *magic = LASTLOG_MAGIC;
}

void lastlog_init(struct lastlog *l, void *memory, size_t size)
{
    const size_t half = size / 2 / sizeof(uint64_t) * sizeof(uint64_t);

    *l = (struct lastlog){0};
    if (size < LASTLOG_LEAST || half > UINT32_MAX)
        return;
    const uint32_t capacity = (uint32_t)(half - sizeof(struct lastlog_half));
    struct lastlog_half *a = memory;
    struct lastlog_half *b = (void *)((uint8_t *)memory + half);
    const bool has_a = lastlog_is_valid(a, capacity), has_b = lastlog_is_valid(b, capacity);
    const bool a_is_later = has_a && (!has_b || a->boot > b->boot);

    if (has_a || has_b)
        l->previous = a_is_later ? a : b;
    l->current = a_is_later ? b : a;
    lastlog_begin(l->current, capacity, l->previous ? l->previous->boot + 1 : 1);
}

void lastlog_append(struct lastlog *l, const char *line, size_t len)
{
    struct lastlog_half *h = l->current;

    if (!h)
        return;
    uint64_t head = h->head;
    for (size_t i = 0; i < len; i++)
        h->text[head++ % h->capacity] = line[i];
    h->text[head++ % h->capacity] = '\n';
    h->head = head;
    h->head_check = ~head;
}

/* Where the oldest whole line begins: behind the first newline when the ring has gone round. */
static uint64_t lastlog_oldest(const struct lastlog_half *h)
{
    uint64_t at = h->head > h->capacity ? h->head - h->capacity : 0;

    if (at > 0) {
        while (at < h->head && h->text[at % h->capacity] != '\n')
            at++;
        at += at < h->head;
    }
    return at;
}

static uint32_t lastlog_count_from(const struct lastlog_half *h, uint64_t at)
{
    uint32_t count = 0;

    for (; at < h->head; at++)
        count += h->text[at % h->capacity] == '\n';
    return count;
}

uint32_t lastlog_count(const struct lastlog *l)
{
    const struct lastlog_half *h = l->previous;

    return h ? lastlog_count_from(h, lastlog_oldest(h)) : 0;
}

struct lastlog_lines lastlog_tail(const struct lastlog *l, bool previous, uint32_t count)
{
    const struct lastlog_half *h = previous ? l->previous : l->current;

    if (!h)
        return (struct lastlog_lines){0};
    struct lastlog_lines lines = {.half = h, .at = lastlog_oldest(h), .end = h->head};
    const uint32_t kept = lastlog_count_from(h, lines.at);
    for (uint32_t skip = kept > count ? kept - count : 0; skip > 0; lines.at++)
        skip -= h->text[lines.at % h->capacity] == '\n';
    return lines;
}

bool lastlog_next(struct lastlog_lines *lines, char *line, size_t size)
{
    const struct lastlog_half *h = lines->half;
    size_t len = 0;

    if (!h || size == 0)
        return false;
    lines->at = max_u64(lines->at, lastlog_oldest(h));
    while (lines->at < lines->end) {
        const char c = h->text[lines->at++ % h->capacity];
        if (c == '\n') {
            line[len] = '\0';
            return true;
        }
        if (len + 1 < size)
            line[len++] = c >= ' ' && c <= '~' ? c : '?';
    }
    return false;
}
