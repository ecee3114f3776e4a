/* SPDX-License-Identifier: MIT */
#include "kernel/console/lastlog.h"

#include "lib/bits.h"
#include "lib/fmt.h"

#define LASTLOG_MAGIC   UINT64_C(0x474f4c5453414c42) /* "BLASTLOG", little-endian */
#define LASTLOG_VERSION 2
#define LASTLOG_LEAST   4096 /* bytes of memory below which it is not worth while */
#define NUMBER_DIGITS   8

/* A part's bytes that were ever written, and the complement of that. */
struct lastlog_head {
    uint64_t bytes, check;
};

/* Lines, each after its number and ending in '\n', in a ring for each part. */
struct lastlog_half {
    uint64_t magic; /* written last, erased first */
    uint32_t version;
    uint32_t capacity; /* of `text` */
    uint64_t boot;     /* counts up: the higher one of two is the later one */
    struct lastlog_head heads[LASTLOG_PARTS];
    char text[];
};

/* Crashes have half of the room, and equal shares of it. */
static uint32_t lastlog_crash_size(const struct lastlog_half *h)
{
    return h->capacity / 2 / LASTLOG_CRASHES;
}

static uint32_t lastlog_size(const struct lastlog_half *h, uint32_t part)
{
    const uint32_t crash = lastlog_crash_size(h);

    return part == LASTLOG_COMMON ? h->capacity - LASTLOG_CRASHES * crash : crash;
}

/* Where in `text` byte `at` of a part is. */
static uint32_t lastlog_place(const struct lastlog_half *h, uint32_t part, uint64_t at)
{
    const uint32_t first = part == LASTLOG_COMMON ? 0
                                                  : lastlog_size(h, LASTLOG_COMMON) +
                                                        (part - 1) * lastlog_crash_size(h);

    return first + (uint32_t)(at % lastlog_size(h, part));
}

static bool lastlog_is_valid(const struct lastlog_half *h, uint64_t capacity)
{
    if (h->magic != LASTLOG_MAGIC || h->version != LASTLOG_VERSION || h->capacity != capacity)
        return false;
    for (uint32_t i = 0; i < LASTLOG_PARTS; i++) {
        if (h->heads[i].check != ~h->heads[i].bytes)
            return false;
    }
    return true;
}

static void lastlog_begin(struct lastlog_half *h, uint32_t capacity, uint64_t boot)
{
    volatile uint64_t *magic = &h->magic;

    *magic = 0;
    h->version = LASTLOG_VERSION;
    h->capacity = capacity;
    h->boot = boot;
    for (uint32_t i = 0; i < LASTLOG_PARTS; i++)
        h->heads[i] = (struct lastlog_head){.bytes = 0, .check = ~UINT64_C(0)};
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

static uint64_t lastlog_put(struct lastlog_half *h, uint32_t part, uint64_t head, const char *text,
                            size_t len)
{
    for (size_t i = 0; i < len; i++)
        h->text[lastlog_place(h, part, head++)] = text[i];
    return head;
}

void lastlog_append(struct lastlog *l, uint32_t part, const char *line, size_t len)
{
    struct lastlog_half *h = l->current;
    char number[NUMBER_DIGITS + 1];

    if (!h)
        return;
    fmt_print(number, sizeof(number), "%08x", l->number++);
    uint64_t head = lastlog_put(h, part, h->heads[part].bytes, number, NUMBER_DIGITS);
    head = lastlog_put(h, part, head, line, len);
    head = lastlog_put(h, part, head, "\n", 1);
    h->heads[part] = (struct lastlog_head){.bytes = head, .check = ~head};
}

/* Where the oldest whole line begins: behind the first newline when the ring has gone round. */
static uint64_t lastlog_oldest(const struct lastlog_half *h, uint32_t part)
{
    const uint64_t head = h->heads[part].bytes;
    const uint32_t size = lastlog_size(h, part);
    uint64_t at = head > size ? head - size : 0;

    if (at > 0) {
        while (at < head && h->text[lastlog_place(h, part, at)] != '\n')
            at++;
        at += at < head;
    }
    return at;
}

static uint32_t lastlog_count_from(const struct lastlog_half *h, uint32_t part, uint64_t at)
{
    uint32_t count = 0;

    for (; at < h->heads[part].bytes; at++)
        count += h->text[lastlog_place(h, part, at)] == '\n';
    return count;
}

uint32_t lastlog_count(const struct lastlog *l)
{
    const struct lastlog_half *h = l->previous;
    uint32_t count = 0;

    for (uint32_t part = 0; h && part < LASTLOG_PARTS; part++)
        count += lastlog_count_from(h, part, lastlog_oldest(h, part));
    return count;
}

struct lastlog_lines lastlog_tail(const struct lastlog *l, bool previous, uint32_t count)
{
    const struct lastlog_half *h = previous ? l->previous : l->current;
    struct lastlog_lines lines = {.half = h};

    if (!h)
        return lines;
    for (uint32_t part = 0; part < LASTLOG_PARTS; part++) {
        lines.at[part] = lastlog_oldest(h, part);
        lines.end[part] = h->heads[part].bytes;
    }
    uint64_t *at = &lines.at[LASTLOG_COMMON];
    const uint32_t kept = lastlog_count_from(h, LASTLOG_COMMON, *at);
    for (uint32_t skip = kept > count ? kept - count : 0; skip > 0; (*at)++)
        skip -= h->text[lastlog_place(h, LASTLOG_COMMON, *at)] == '\n';
    return lines;
}

/* Takes a number off the front of a line; noise may have none. */
static uint32_t lastlog_number(const struct lastlog_half *h, uint32_t part, uint64_t *at,
                               uint64_t end)
{
    uint32_t number = 0;

    for (uint32_t i = 0; i < NUMBER_DIGITS && *at < end; i++, (*at)++) {
        const char c = h->text[lastlog_place(h, part, *at)];
        if (c == '\n')
            break;
        number = number << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return number;
}

/* The part whose next line was written first; false: none has a line. */
static bool lastlog_first(struct lastlog_lines *lines, uint32_t *first)
{
    const struct lastlog_half *h = lines->half;
    uint32_t least = 0;
    bool any = false;

    for (uint32_t part = 0; part < LASTLOG_PARTS; part++) {
        lines->at[part] = max_u64(lines->at[part], lastlog_oldest(h, part));
        uint64_t at = lines->at[part];
        if (at >= lines->end[part])
            continue;
        const uint32_t number = lastlog_number(h, part, &at, lines->end[part]);
        if (!any || number < least) {
            least = number;
            *first = part;
        }
        any = true;
    }
    return any;
}

bool lastlog_next(struct lastlog_lines *lines, char *line, size_t size)
{
    const struct lastlog_half *h = lines->half;
    uint32_t part;

    if (!h || size == 0)
        return false;
    while (lastlog_first(lines, &part)) {
        uint64_t *at = &lines->at[part];
        size_t len = 0;
        (void)lastlog_number(h, part, at, lines->end[part]);
        while (*at < lines->end[part]) {
            const char c = h->text[lastlog_place(h, part, (*at)++)];
            if (c == '\n') {
                line[len] = '\0';
                return true;
            }
            if (len + 1 < size)
                line[len++] = c >= ' ' && c <= '~' ? c : '?';
        }
    }
    return false;
}
