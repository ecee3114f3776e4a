/* SPDX-License-Identifier: MIT */
/*
 * wire: a merge with three guests on a serial port of 11.5 bytes in a millisecond, for host
 * programs. The devices are fakes: the port takes what fits the time, there is no screen.
 */
#pragma once

#include <string.h>

#include "kernel/console/merge.h"
#include "tests/unit/support.h"
#include "tests/unit/tx_put.h"

#define HZ            1000000 /* ticks of a second */
#define MS            (HZ / 1000)
#define BYTES_PER_SEC 11520
#define PARTIAL       (20 * MS)
#define PREFIX        OUTPUT_OWN
#define WIRE_MAX      (1 << 20)

static struct merge merge;
static struct console_stream streams[3];
static uint64_t now;
static char wire[WIRE_MAX];
static size_t wire_len, wire_budget;
static char *emergency; /* what goes out at once; NULL: it is not kept */

/* ------------------------------------------------------------------ devices */

size_t uart_put(const struct uart *uart, const uint8_t *bytes, size_t len)
{
    const size_t count = len < wire_budget ? len : wire_budget;

    (void)uart;
    memcpy(wire + wire_len, bytes, count);
    wire_len += count;
    wire_budget -= count;
    return count;
}

bool uart_get(const struct uart *uart, uint8_t *byte)
{
    (void)uart, (void)byte;
    return false;
}

void uart_put_all(const struct uart *uart, const char *text, size_t len)
{
    (void)uart;
    if (emergency)
        strncat(emergency, text, len);
}

bool uart_is_idle(const struct uart *uart)
{
    (void)uart;
    return true;
}

bool keyboard_get(struct keyboard *k, uint64_t at, uint8_t *byte)
{
    (void)k, (void)at, (void)byte;
    return false;
}

/* ------------------------------------------------------------------ speakers */

static inline int setup(void **state)
{
    (void)state;
    memset(&merge, 0, sizeof(merge));
    memset(wire, 0, sizeof(wire));
    wire_len = wire_budget = 0;
    now = HZ;
    merge_init(&merge);
    merge.lines.tsc_hz = HZ;
    merge.lines.terminal.serial_on = true;
    for (uint32_t i = 0; i < ARRAY_SIZE(streams); i++) {
        memset(&streams[i], 0, sizeof(streams[i]));
        streams[i].name[0] = (char)('a' + i);
        tx_init(&streams[i].tx);
        assert_int_equal(merge_add(&merge, &streams[i]), i);
    }
    return 0;
}

static inline bool say(uint32_t guest, const char *text)
{
    while (*text) {
        uint64_t data[TX_RECORD_MAX / 8] = {0};
        const size_t len = strlen(text) < TX_RECORD_MAX ? strlen(text) : TX_RECORD_MAX;
        memcpy(data, text, len);
        if (!tx_put(&streams[guest].tx, data, (uint32_t)len))
            return false;
        text += len;
    }
    return true;
}

static inline void log_says(const char *text)
{
    line_ring_put(&merge.log, 0, 0, text, strlen(text));
}

static inline void pass_ms(uint32_t ms)
{
    while (ms-- > 0) {
        static uint64_t bytes; /* in thousandths */
        now += MS;
        bytes += BYTES_PER_SEC;
        wire_budget = bytes / 1000;
        terminal_drain(&merge.lines.terminal);
        bytes = bytes % 1000 + wire_budget * 1000;
        if (bytes > 16000)
            bytes = 16000; /* its FIFO */
        for (uint32_t i = 0; i < 16 && merge_step(&merge, PREFIX, now, PARTIAL); i++)
            ;
    }
}

static inline uint32_t count(const char *text)
{
    uint32_t n = 0;

    for (const char *at = wire; (at = strstr(at, text)) != NULL; at += strlen(text))
        n++;
    return n;
}

static inline void note(uint32_t guest, const char *text)
{
    struct console_stream *stream = &streams[guest];

    line_ring_put(&stream->notes, tx_place(&stream->tx), now, text, strlen(text));
}
