/* SPDX-License-Identifier: MIT */
/*
 * uart: the machine's 16550-compatible serial port, polled; never waits longer than it says.
 * Caller: the holder of the console lock (boot core alone before that).
 */
#pragma once

#include "lib/types.h"

struct uart {
    uint16_t port; /* base I/O port; 0: none, and then every call does nothing */
    uint8_t depth; /* bytes the transmitter takes at once: 16 with FIFO, 1 without */
};

/* Something at `port` answers like a 16550. Its scratch register is changed, nothing else. */
MUST_CHECK bool uart_is_there(uint16_t port);

/*
 * Probes and sets up 8N1 with FIFOs, interrupts off, at `baud` (1..115200, the nearest 115200 / n
 * is used; 0: leave the divisor as it is). First lets out what the firmware still has to send.
 * Returns false, with uart->port 0, when nothing answers like a 16550 there.
 */
MUST_CHECK bool uart_init(struct uart *uart, uint16_t port, uint32_t baud);

/* Hands over up to `len` bytes without waiting; returns how many the FIFO took (0: busy). */
size_t uart_put(const struct uart *uart, const uint8_t *bytes, size_t len);

/* One received byte, if there is one. Bytes that arrived damaged are dropped. */
MUST_CHECK bool uart_get(const struct uart *uart, uint8_t *byte);

/* For a panic: writes all of it and waits until it is on the wire; gives up as soon as the port
 * takes no byte for about a second. Bytes go out as they are, without a '\r' of our own. */
void uart_put_all(const struct uart *uart, const char *text, size_t len);

/* Everything handed over has left the wire: nothing is lost if the machine goes off now. */
bool uart_is_idle(const struct uart *uart);
