/* SPDX-License-Identifier: MIT */
/*
 * kit: the beginning and the end of a guest in C.
 */
#include "guests/kit/kit.h"

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/paging.h"
#include "guests/kit/task.h"
#include "guests/kit/timing.h"
#include "lib/assert.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define UART     0x3f8
#define UART_LSR (UART + 5)
#define LSR_THRE 0x20

#define EXIT_CRASHED 99 /* as in crash.asm */

extern const char kit_boot_stack[]; /* start.asm: its end */
void kit_main(uint64_t start_info);

_Atomic uint64_t kit_calls;

void power_off(uint32_t code)
{
    count_call();
    bulkhead_power_off(code);
    fatal(1, "power-off code %u is refused: it can be 0 to 255", code);
}

bool begin_to_die(void)
{
    static _Atomic uint64_t dying; /* APIC id + 1 of the first core that came here */
    const uint64_t self = rdmsr(MSR_X2APIC_ID) + UINT64_C(1);
    uint64_t first = 0;

    irq_disable();
    if (atomic_compare_exchange_strong(&dying, &first, self))
        return true;
    while (first != self) /* another core's report comes first, and ends the guest */
        cpu_halt();
    return false; /* a fault on the way here must not go round for ever */
}

void last_words(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print_now(fmt, args);
    va_end(args);
}

NORETURN static void give_up(uint32_t code, uint64_t caller)
{
    bulkhead_crash(BULKHEAD_CRASH_GAVE_UP + (uint8_t)code, caller - 1, 0);
    bulkhead_power_off(EXIT_CRASHED); /* version 1 of the interface has no such call */
    for (;;)
        cpu_halt();
}

void fatal(uint32_t code, const char *fmt, ...)
{
    va_list args;

    if (begin_to_die()) {
        va_start(args, fmt);
        print_now(fmt, args);
        va_end(args);
    }
    give_up(code, (uint64_t)__builtin_return_address(0));
}

void assert_fail(const char *expr, const char *file, int line)
{
    if (begin_to_die())
        last_words("%s:%d: %s does not hold", file, line, expr);
    give_up(EXIT_CRASHED, (uint64_t)__builtin_return_address(0));
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
    task_load(0, kit_boot_stack);
    paging_init();
    boot_read(start_info);
    timing_init();
    const int code = main();
    if (code < 0 || code > 255)
        fatal(1, "main() returned %d: a power-off code is 0 to 255", code);
    power_off((uint32_t)code);
}
