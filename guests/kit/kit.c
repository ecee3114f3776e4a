/* SPDX-License-Identifier: MIT */
/*
 * kit: the beginning and the end of a guest in C.
 */
#include "guests/kit/kit.h"

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/timing.h"
#include "lib/assert.h"
#include "lib/x86/insn.h"

#define UART     0x3f8
#define UART_LSR (UART + 5)
#define LSR_THRE 0x20

void kit_main(uint64_t start_info);

_Atomic uint64_t kit_calls;

void power_off(uint32_t code)
{
    count_call();
    bulkhead_power_off(code);
    for (;;) /* a code above 255 was refused; nothing better is left to do */
        cpu_halt();
}

void fatal(uint32_t code, const char *fmt, ...)
{
    static _Atomic bool dying;
    va_list args;

    irq_disable();
    if (!atomic_exchange(&dying, true)) { /* a fault on the way here must not go round for ever */
        va_start(args, fmt);
        print_now(fmt, args);
        va_end(args);
    }
    power_off(code);
}

void assert_fail(const char *expr, const char *file, int line)
{
    fatal(EXIT_EXCEPTION, "%s:%d: %s does not hold", file, line, expr);
}

/* On another machine, or on bare metal, there are no hypercalls to say so with. */
NORETURN static void kit_refuse(void)
{
    for (const char *c = "This program runs on Bulkhead only.\r\n"; *c != '\0'; c++) {
        for (int poll = 0; poll < 1000000 && (in8(UART_LSR) & LSR_THRE) == 0; poll++)
            cpu_pause();
        out8(UART, (uint8_t)*c);
    }
    for (;;)
        cpu_halt();
}

/* By start.asm. */
void kit_main(uint64_t start_info)
{
    if (!bulkhead_present())
        kit_refuse();
    idt_init();
    boot_read(start_info);
    timing_init();
    power_off((uint32_t)main());
}
