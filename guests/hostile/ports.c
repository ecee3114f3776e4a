/* SPDX-License-Identifier: MIT */
/*
 * ports: closed ports are silence, the UART is a 16550, and string I/O is #GP: it would need the
 * hypervisor to touch guest memory.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define DEBUG     0xe9
#define UART      0x3f8
#define UART_LCR  (UART + 3)
#define UART_LSR  (UART + 5)
#define UART_SCR  (UART + 7)
#define LCR_DLAB  0x80
#define LSR_EMPTY 0x60

/* Devices of the machine that would be of use to an attacker, and two at the ends. */
static const uint16_t closed[] = {
    0x00,  0x20,  0x43,  0x60,  0x61,  0x64,  0x80,  0x92,  0xb2,   0xcf4,  0xcfc,  0x2f8,
    0x3f0, 0x3d4, 0x402, 0x510, 0x514, 0x1f0, 0x604, 0x608, 0xb004, 0x8900, 0x8a00, 0xfffc,
};

static void ports_closed(void)
{
    uint32_t wrong = 0, first = 0;

    row("ABI");
    for (uint32_t i = 0; i < ARRAY_SIZE(closed); i++) {
        uint16_t port = closed[i];
        if (in8(port) == 0xff && in16(port) == 0xffff && in32(port) == 0xffffffff)
            continue;
        if (wrong++ == 0)
            first = port;
    }
    check("port-closed", wrong == 0, "%u of %lu answer, the first is 0x%x", wrong,
          ARRAY_SIZE(closed), first);
    check_equal("port-pit", in32(0x40), 0xff00ffff); /* "no timer", in one read */
    row("IO-05");
    check("port-wrap",
          in16(0xffff) == 0xffff && in32(0xffff) == 0xffffffff && in32(0xfffd) == 0xffffffff &&
              in32(0xfffe) == 0xffffffff,
          "no silence");
    out16(0xffff, 0x1234);
    out32(0xfffd, 0x12345678);
    out32(0xfffe, 0x12345678);
    check("port-wrap-out", in32(0xfffe) == 0xffffffff, "no silence");

    /* Emulators' power-off: without effect, or no line follows. */
    row("ABI");
    for (const char *c = "Shutdown"; *c != '\0'; c++)
        out8(0x8900, (uint8_t)*c);
    out16(0xb004, 0x2000);
    out16(0x604, 0x2000);
    check_equal("port-write", in16(0x604), 0xffff);

    /* A software SMI would run the firmware's handler, with all rights. */
    row("IO-06");
    for (unsigned v = 0; v < 256; v++) {
        out8(0xb3, (uint8_t)v);
        out8(0xb2, (uint8_t)v);
    }
    check_equal("smi", in16(0xb2), 0xffff);
}

/* Devices that move memory by themselves, past EPT: the ISA DMA controllers and fw_cfg. */
static void ports_dma(void)
{
    static volatile uint32_t descriptor[4] __attribute__((aligned(16)));
    uint32_t wrong = 0;

    row("IO-09");
    for (uint16_t base = 0; base <= 0xd0; base += 0x10) {
        if (base != 0 && base != 0x80 && base != 0xc0 && base != 0xd0)
            continue;
        for (uint16_t port = base; port < base + 0x10; port++) {
            out8(port, 0x45);
            wrong += in8(port) != 0xff;
        }
    }
    check("isa-dma", wrong == 0, "%u ports answer", wrong);

    row("IO-10");
    descriptor[0] = 0x0a000000;                 /* big-endian: select | read, file 0 */
    descriptor[1] = 0x00001000;                 /* 1 MiB */
    descriptor[2] = 0, descriptor[3] = 0x20000; /* to 0x200000, in the machine's memory */
    const uint64_t address = (uint64_t)descriptor;
    out32(0x514, __builtin_bswap32((uint32_t)(address >> 32)));
    out32(0x518, __builtin_bswap32((uint32_t)address));
    out16(0x510, 0);
    check("fw-cfg", in8(0x511) == 0xff && in32(0x514) == 0xffffffff && in16(0x510) == 0xffff,
          "it answers");
    check("fw-cfg-no-answer", descriptor[0] == 0x0a000000, "0x%x", descriptor[0]);
}

/* An access across the border of an open device and a closed port: each byte by itself. */
static void ports_across(void)
{
    row("IO-17");
    out8(UART_SCR, 0x3c);
    check_equal("open-then-closed", in16(UART_SCR), 0xff3c);
    check_equal("open-then-closed-4", in32(UART_SCR), 0xffffff3c);
    check_equal("closed-then-open", in32(UART - 2) & 0xffff, 0xffff);
    out16(UART_SCR, 0x1234);
    check_equal("written-across", in8(UART_SCR), 0x34);
    check_equal("clock-then-closed", in32(0x71) >> 8, 0xffffff);
    check_equal("sleep-then-reset", in32(0x5ff) & 0xff, 0xff);
}

static void ports_string(void)
{
    static uint8_t byte[4];

    row("ABI");
    try_begin();
    __asm__ volatile(TRY_INSN("outsb") : : "S"(byte), "d"(UART_SCR) : "memory");
    check_fault("port-outs", try_end(), VECTOR_GP);
    try_begin();
    __asm__ volatile(TRY_INSN("insb") : : "D"(byte), "d"(UART_SCR) : "memory");
    check_fault("port-ins", try_end(), VECTOR_GP);
}

/* The timer that other kinds of guests have does not come to life here. */
static void ports_timer(void)
{
    row("IO-22");
    out8(0x61, 0x03);
    for (unsigned v = 0; v < 256; v++) {
        out8(0x43, (uint8_t)v);
        out32(0x40, v * 0x01010101);
    }
    check_equal("pit-absent", in32(0x40), 0xff00ffff);
    check_equal("port-b-absent", in32(0x60), 0xffffffff);
}

/* Console output without a status: a flood of it is the guest's own loss. */
static void ports_debug(void)
{
    row("IO-21");
    for (const char *c = "this line comes through the debug console\n"; *c != '\0'; c++)
        out8(DEBUG, (uint8_t)*c);
    check_equal("debug-found", in8(DEBUG), DEBUG);
    check_equal("debug-alone", in32(DEBUG - 1), 0xffffe9ff);
    out32(DEBUG - 3, 0x0affffff); /* the end of a line, and three ports of nobody */
}

static bool uart_ready(void)
{
    uint64_t start = tsc_now();

    while ((in8(UART_LSR) & LSR_EMPTY) != LSR_EMPTY) {
        if (tsc_to_ns(tsc_now() - start) > NS_PER_SECOND)
            return false;
        spin_for(100 * NS_PER_US);
    }
    return true;
}

static void ports_uart(void)
{
    bool ready = true;

    row("IO-12");
    for (const char *c = "this line comes through the UART\n"; *c != '\0' && ready; c++) {
        ready = uart_ready();
        out8(UART, (uint8_t)*c);
    }
    check("uart-line", ready, "the transmitter does not become empty");

    out8(UART_SCR, 0xa5);
    check_equal("uart-scratch", in8(UART_SCR), 0xa5);

    uint8_t lcr = in8(UART_LCR);
    out8(UART_LCR, LCR_DLAB | 3);
    out8(UART, 1);
    out8(UART + 1, 0);
    uint32_t divisor = in8(UART) | (uint32_t)in8(UART + 1) << 8;
    out8(UART_LCR, lcr);
    check_equal("uart-divisor", divisor, 1);

    /* Divisor 0, loop back, every interrupt: the wire is not the guest's, so it is not disturbed.
     */
    out8(UART_LCR, LCR_DLAB | 3);
    out8(UART, 0);
    out8(UART + 1, 0);
    out8(UART_LCR, lcr);
    for (unsigned v = 0; v < 256; v++) {
        out8(UART + 1, (uint8_t)v);
        out8(UART + 2, (uint8_t)v);
        out8(UART + 4, (uint8_t)v);
        out8(UART + 6, (uint8_t)v);
        out8(UART + 5, (uint8_t)v);
        out8(UART_LCR, (uint8_t)(v & ~(uint32_t)LCR_DLAB));
        (void)in32(UART + 4);
    }
    out8(UART + 1, 0);
    out8(UART + 4, 0);
    out8(UART_LCR, lcr);
    check("uart-abused", uart_ready(), "the transmitter does not become empty");
    out8(UART_SCR, 0xa5);

    /* The last two registers, then two ports of nobody. */
    check_equal("uart-edge", in32(UART + 6) >> 8, 0xffff00 | 0xa5);
    check_equal("uart-below", in16(UART - 2), 0xffff);
}

void hostile_ports(void)
{
    ports_closed();
    ports_dma();
    ports_across();
    ports_string();
    ports_timer();
    ports_debug();
    ports_uart();
}
