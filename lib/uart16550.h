/* SPDX-License-Identifier: MIT */
/*
 * uart16550: the registers of a 16550, for the driver and for the virtual one that guests see.
 * National Semiconductor "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs".
 */
#pragma once

#define UART_COM1  0x3f8 /* the first one's base port on a PC, ... */
#define UART_COM2  0x2f8 /* ... and the others' */
#define UART_COM3  0x3e8
#define UART_COM4  0x2e8
#define UART_PORTS 8      /* from a multiple of eight on */
#define UART_FIFO  16     /* bytes, in either direction */
#define UART_CLOCK 115200 /* baud at divisor 1 */

/* Offsets from the base port. DLAB is a bit of LCR. */
enum uart_register {
    UART_DATA = 0,         /* rw  DLAB=0: r received byte (RBR), w byte to send (THR) */
    UART_DIVISOR_LOW = 0,  /* rw  DLAB=1 */
    UART_IER = 1,          /* rw  DLAB=0: interrupt enable */
    UART_DIVISOR_HIGH = 1, /* rw  DLAB=1 */
    UART_IIR = 2,          /* r-  interrupt identification */
    UART_FCR = 2,          /* -w  FIFO control */
    UART_LCR = 3,          /* rw  line control */
    UART_MCR = 4,          /* rw  modem control */
    UART_LSR = 5,          /* r-  line status */
    UART_MSR = 6,          /* r-  modem status */
    UART_SCR = 7,          /* rw  scratch: no function */
};

#define IER_DATA     0x01
#define IER_EMPTY    0x02
#define IER_BITS     0x0f
#define IIR_NONE     0x01
#define IIR_EMPTY    0x02
#define IIR_DATA     0x04
#define IIR_FIFOS    0xc0 /* both bits: FIFOs are on and work */
#define FCR_ENABLE   0x01
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOPBACK 0x10
#define MCR_BITS     0x1f
#define LSR_DATA     0x01 /* a received byte waits */
#define LSR_DAMAGED  0x1c /* parity error, framing error or break, of the byte that waits */
#define LSR_BREAK    0x10 /* ... a break, as a byte 0 */
#define LSR_ROOM     0x20 /* THRE: the holding register, or the whole FIFO, is empty */
#define LSR_IDLE     0x40 /* TEMT: the shift register is empty too */
#define MSR_CTS      0x10
#define MSR_DSR      0x20
#define MSR_RI       0x40
#define MSR_DCD      0x80
