/* SPDX-License-Identifier: MIT */
/*
 * uart: drives one 16550 by polling. Knows nothing of lines, guests or locks, uses no interrupt
 * and never waits except where the header says so.
 */
#include "drivers/uart.h"

#include "lib/bits.h"
#include "lib/uart16550.h"
#include "lib/x86/insn.h"

#define LSR_ABSENT 0xff /* what a port without a device reads */

/* A read of a legacy port takes about a microsecond on real machines, so this is about a second;
 * emulators that pace bytes by counting instructions need some 20,000 polls for a byte. */
#define UART_POLLS (UINT32_C(1) << 20)

static uint8_t uart_read(const struct uart *uart, enum uart_register reg)
{
    return in8((uint16_t)(uart->port + reg));
}

static void uart_write(const struct uart *uart, enum uart_register reg, uint8_t value)
{
    out8((uint16_t)(uart->port + reg), value);
}

/* Until any bit of `mask` is set in the line status; false when that takes too long. */
static bool uart_wait(const struct uart *uart, uint8_t mask)
{
    for (uint32_t poll = 0; poll < UART_POLLS; poll++) {
        if ((uart_read(uart, UART_LSR) & mask) != 0)
            return true;
        cpu_pause();
    }
    return false;
}

/* The scratch register keeps what is written to it, and two values tell it from a floating bus. */
static bool uart_probe(const struct uart *uart)
{
    static const uint8_t patterns[] = {0x5a, 0xa5};

    if (uart_read(uart, UART_LSR) == LSR_ABSENT)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        uart_write(uart, UART_SCR, patterns[i]);
        if (uart_read(uart, UART_SCR) != patterns[i])
            return false;
    }
    return true;
}

bool uart_is_there(uint16_t port)
{
    const struct uart uart = {.port = port};

    return port != 0 && port <= UINT16_MAX - (UART_PORTS - 1) && uart_probe(&uart);
}

static void uart_set_baud(const struct uart *uart, uint32_t baud)
{
    uint64_t divisor = ((uint64_t)UART_CLOCK + baud / 2) / baud;

    divisor = max_u64(1, min_u64(divisor, UINT16_MAX));
    uart_write(uart, UART_LCR, LCR_8N1 | LCR_DLAB);
    uart_write(uart, UART_DIVISOR_LOW, (uint8_t)divisor);
    uart_write(uart, UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
    uart_write(uart, UART_LCR, LCR_8N1);
}

bool uart_init(struct uart *uart, uint16_t port, uint32_t baud)
{
    *uart = (struct uart){.port = port, .depth = 1};
    if (!uart_is_there(port)) {
        uart->port = 0;
        return false;
    }

    uart_write(uart, UART_LCR, LCR_8N1); /* DLAB off: the next register is then IER */
    uart_write(uart, UART_IER, 0);
    /* A new divisor garbles what is being sent. A port that never gets idle is used all the same:
     * nothing here depends on it. */
    (void)uart_wait(uart, LSR_IDLE);
    if (baud != 0)
        uart_set_baud(uart, baud);
    /* The receive FIFO is not cleared: what somebody typed during boot is theirs. */
    uart_write(uart, UART_FCR, FCR_ENABLE);
    uart_write(uart, UART_MCR, MCR_DTR | MCR_RTS); /* also leaves loopback */
    if ((uart_read(uart, UART_IIR) & IIR_FIFOS) == IIR_FIFOS)
        uart->depth = UART_FIFO;
    return true;
}

size_t uart_put(const struct uart *uart, const uint8_t *bytes, size_t len)
{
    size_t count = min_u64(len, uart->depth);

    if (uart->port == 0 || (uart_read(uart, UART_LSR) & LSR_ROOM) == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        uart_write(uart, UART_DATA, bytes[i]);
    return count;
}

bool uart_get(const struct uart *uart, uint8_t *byte)
{
    uint8_t status;

    if (uart->port == 0)
        return false;
    status = uart_read(uart, UART_LSR);
    if ((status & LSR_DATA) == 0 || status == LSR_ABSENT)
        return false;
    *byte = uart_read(uart, UART_DATA);
    return (status & LSR_DAMAGED) == 0;
}

void uart_put_all(const struct uart *uart, const char *text, size_t len)
{
    if (uart->port == 0)
        return;
    for (size_t done = 0; done < len;) {
        if (!uart_wait(uart, LSR_ROOM))
            return;
        done += uart_put(uart, (const uint8_t *)text + done, len - done);
    }
    /* The machine may be switched off right after this. */
    (void)uart_wait(uart, LSR_IDLE);
}

bool uart_is_idle(const struct uart *uart)
{
    return uart->port == 0 || (uart_read(uart, UART_LSR) & LSR_IDLE) != 0;
}
