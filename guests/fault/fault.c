/* SPDX-License-Identifier: MIT */
/*
 * fault: makes one of the mistakes that a program makes, and must be stopped at the line that made
 * it, which is marked "dies: NAME". Powers off with EXIT_LIVED if it is not stopped.
 * Option: how=NAME (null).
 */
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/assert.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define EXIT_LIVED    66
#define UNUSED_VECTOR 0x77
#define TOO_LARGE     1000 /* as a power-off code */
#define WAIT_NS       (10 * NS_PER_SECOND)

static const char constant[] = "nobody writes here";
static uint8_t data[16] = {0xc3}; /* RET */

/* What the compiler must not see through. */
static uint64_t hidden(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

static void write_null(void)
{
    *(volatile uint32_t *)hidden(8) = 1; /* dies: null */
}

static void read_null(void)
{
    (void)*(volatile uint32_t *)hidden(0); /* dies: null-read */
}

static void call_null(void)
{
    ((void (*)(void))hidden(0))(); /* dies: null-call */
    __asm__ volatile("");
}

static void write_constant(void)
{
    *(volatile char *)hidden((uint64_t)constant) = 'N'; /* dies: rodata */
}

static void write_code(void)
{
    *(volatile uint8_t *)hidden((uint64_t)write_null) = 0xc3; /* dies: text */
}

static void execute_data(void)
{
    ((void (*)(void))hidden((uint64_t)data))(); /* dies: data */
    __asm__ volatile("");
}

/* In steps of less than a page, so that the guard page is not missed. */
NOINLINE static uint64_t dig(uint64_t depth) /* dies: stack */
{
    volatile uint8_t hole[2048];

    hole[0] = (uint8_t)depth;                                       /* dies: stack */
    return hidden(depth) == 0 ? hole[0] : dig(depth + 1) + hole[0]; /* dies: stack */
}

static void overflow_stack(void)
{
    dig(1);
}

static void overflow_there(uint32_t number)
{
    if (number == 1)
        dig(1);
}

/* The same on another core. */
static void overflow_other_stack(void)
{
    x2apic_enable();
    smp_start(overflow_there);
    spin_for(WAIT_NS);
}

static void divide(void)
{
    __asm__ volatile("div %0" : : "r"(0), "a"(1), "d"(0)); /* dies: divide */
}

static void registers(void)
{
    __asm__ volatile("mov $0x51, %%esi\n\t" /* dies: registers */
                     "mov $0xd1, %%edi\n\t"
                     "mov $0x8888, %%r8d\n\t"
                     "mov $0xf15, %%r15d\n\t"
                     "stc\n\t"
                     "ud2"
                     :
                     :
                     : "rsi", "rdi", "r8", "r15", "cc");
}

static void take_nmi(void)
{
    x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
    spin_for(WAIT_NS);
}

static void take_interrupt(void)
{
    x2apic_enable();
    x2apic_send_self(UNUSED_VECTOR);
    irq_enable();
    spin_for(WAIT_NS);
}

static void assert_it(void)
{
    ASSERT(hidden(0) != 0); /* dies: assert */
}

static void give_up(void)
{
    fatal(7, "nothing left to try"); /* dies: fatal */
}

static void refuse_code(void)
{
    power_off(TOO_LARGE);
}

static const struct {
    const char *name;
    void (*run)(void);
} ways[] = {
    {"null", write_null},       {"null-read", read_null},
    {"null-call", call_null},   {"rodata", write_constant},
    {"text", write_code},       {"data", execute_data},
    {"stack", overflow_stack},  {"other-stack", overflow_other_stack},
    {"divide", divide},         {"registers", registers},
    {"nmi", take_nmi},          {"interrupt", take_interrupt},
    {"assert", assert_it},      {"fatal", give_up},
    {"power-off", refuse_code},
};

int main(void)
{
    if (option_is("how", "return"))
        return TOO_LARGE;
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        if (option_is("how", ways[i].name) || (i == 0 && !option_set("how")))
            ways[i].run();
    }
    print("LIVED\n");
    return EXIT_LIVED;
}
