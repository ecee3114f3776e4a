/* SPDX-License-Identifier: MIT */
/*
 * terminal: the serial port and the screen as one place to put text, the serial port and the
 * keyboard as one to get it from. Never waits: what the serial port does not accept yet is staged.
 * Caller: the holder of the console lock.
 */
#pragma once

#include "drivers/keyboard.h"
#include "drivers/screen.h"
#include "drivers/uart.h"
#include "lib/types.h"

/* Of a terminal behind the serial port: what all have at least. */
#define TERMINAL_COLUMNS 80
#define TERMINAL_ROWS    24

#define TERMINAL_STAGE 2048 /* bytes; a power of two */

struct terminal {
    struct uart uart;
    struct screen screen;
    struct keyboard keyboard;
    bool serial_on, screen_on;
    uint64_t count;      /* bytes so far, whether or not a device is on: what turns are about */
    uint32_t head, tail; /* of the stage */
    uint8_t stage[TERMINAL_STAGE];
};

/* Bytes that terminal_put() is sure to take; each '\n' counts twice. */
uint32_t terminal_room(const struct terminal *t);

void terminal_put(struct terminal *t, const void *bytes, size_t len);

/* The screen becomes a small terminal (vt.h) for raw bytes, with this line on it; and what it was.
 */
void terminal_begin_raw(struct terminal *t, const char *line, size_t len);
void terminal_end_raw(struct terminal *t);

/* Bytes as they are, each counts once. */
void terminal_put_raw(struct terminal *t, const void *bytes, size_t len);

/* To the serial port, as much as it takes now; at most a few FIFOs full, as a port that is not real
 * may take any number of bytes. */
void terminal_drain(struct terminal *t);

/* The serial port takes nothing any more: without it. */
void terminal_drop_serial(struct terminal *t);

/* One byte of what was typed, if there is one. `now`: TSC. */
MUST_CHECK bool terminal_get(struct terminal *t, uint64_t now, uint8_t *byte);

/* Nothing waits and nothing is on the wire. */
bool terminal_is_idle(const struct terminal *t);

/* At once, waiting for the device: for a panic. */
void terminal_emergency(struct terminal *t, const char *text, size_t len);
