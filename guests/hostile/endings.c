/* SPDX-License-Identifier: MIT */
/*
 * endings: attacks that end the guest, one in each life. Which one is typed at its console, because
 * a guest keeps nothing over a restart: tests/boot/test_hostile_ends.py types the name, knows how
 * the hypervisor has to stop it, and looks whether the next life is as clean as the first.
 * An attack that the guest survives says BAD and powers off with EXIT_LIVED.
 */
#include "guests/hostile/endings.h"

#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define EXIT_LIVED 66
#define LIFE_NS    (1100 * NS_PER_MS) /* a shorter life is followed by a pause */
#define DR6_RESET  UINT64_C(0xffff0ff0)
#define DR7_RESET  UINT64_C(0x400)
#define SVR_RESET  0xff
#define LVT_RESET  0x10000

/* ---------------------------------------------------------------- a clean life */

/* By the SDM's tables of reset values, or 0; before anything of the kit has touched them. */
static const struct {
    uint32_t index;
    uint64_t value;
} reset_values[] = {
    {MSR_STAR, 0},
    {MSR_LSTAR, 0},
    {MSR_CSTAR, 0},
    {MSR_FMASK, 0},
    {MSR_KERNEL_GS_BASE, 0},
    {MSR_SYSENTER_CS, 0},
    {MSR_SYSENTER_ESP, 0},
    {MSR_SYSENTER_EIP, 0},
    {MSR_DEBUGCTL, 0},
    {MSR_MTRR_DEF_TYPE, 0xc06}, /* not a reset value: docs say "all write-back" */
    {MSR_TSC_DEADLINE, 0},
    {MSR_X2APIC_TPR, 0},
    {MSR_X2APIC_SVR, SVR_RESET},
    {MSR_X2APIC_LVT_TIMER, LVT_RESET},
    {MSR_X2APIC_LVT_ERROR, LVT_RESET},
    {MSR_X2APIC_LVT_LINT0, LVT_RESET},
    {MSR_X2APIC_LVT_LINT1, LVT_RESET},
    {MSR_X2APIC_TIMER_INIT, 0},
    {MSR_X2APIC_TIMER_DIV, 0},
    {MSR_X2APIC_ICR, 0},
    {MSR_X2APIC_ESR, 0},
};

static uint32_t dirty;

static void life_value(const char *what, uint64_t index, uint64_t value, uint64_t want)
{
    if (value == want)
        return;
    check("life", false, "%s 0x%lx is 0x%lx, not 0x%lx", what, index, value, want);
    dirty++;
}

static void life_debug_registers(void)
{
    row("DR-06");
    life_value("DR", 0, read_dr0(), 0);
    life_value("DR", 1, read_dr1(), 0);
    life_value("DR", 2, read_dr2(), 0);
    life_value("DR", 3, read_dr3(), 0);
    life_value("DR", 6, read_dr6(), DR6_RESET);
    life_value("DR", 7, read_dr7(), DR7_RESET);
    check("debug-registers", dirty == 0, "see above");
}

/* x87, SSE and all that XCR0 can hold, as after reset. SDM "XSAVE Area". */
static void life_vectors(void)
{
    static ALIGNED(64) uint64_t area[4096 / 8];
    const uint64_t shown = cpuid(0xd, 0).eax;

    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)shown), "d"(0));
    __asm__ volatile("xsave (%0)" : : "r"(area), "a"(UINT32_MAX), "d"(0) : "memory");
    __asm__ volatile("xsetbv" : : "c"(0), "a"(1), "d"(0));
    write_cr4(read_cr4() & ~(CR4_OSFXSR | CR4_OSXSAVE));
    life_value("MXCSR", 0, (uint32_t)area[3], 0x1f80);
    for (uint32_t i = 160; i < sizeof(area); i += 8) { /* from XMM0 on, but for the header */
        if (i < 416 || i >= 576)
            life_value("XSAVE", i, area[i / 8], 0);
    }
}

static void life_is_clean(void)
{
    uint64_t cr8, xcr0;

    life_debug_registers();
    dirty = 0;
    row("LC-01");
    for (uint32_t i = 0; i < ARRAY_SIZE(reset_values); i++) {
        if (reset_values[i].index == MSR_TSC_DEADLINE && !x2apic_has_deadline())
            continue;
        life_value("MSR", reset_values[i].index, rdmsr(reset_values[i].index),
                   reset_values[i].value);
    }
    for (uint32_t i = 0; i < 8; i++) {
        life_value("ISR", i, rdmsr(MSR_X2APIC_ISR0 + i), 0);
        life_value("IRR", i, rdmsr(MSR_X2APIC_IRR0 + i), 0);
    }
    __asm__ volatile("mov %%cr8, %0" : "=r"(cr8));
    life_value("CR", 8, cr8, 0);
    life_value("CR", 2, read_cr2(), 0);
    write_cr4(read_cr4() | CR4_OSXSAVE);
    __asm__ volatile("xgetbv" : "=a"(xcr0) : "c"(0) : "rdx");
    write_cr4(read_cr4() & ~CR4_OSXSAVE);
    life_value("XCR", 0, xcr0, XCR0_X87);
    life_vectors();
    check("life", dirty == 0, "see above");
    check_equal("life-pat", rdmsr(MSR_PAT), PAT_RESET);
}

/* An interrupt or an NMI that was the last life's would be seen here. */
static volatile uint32_t strays, nmis;

static void life_stray(struct trap_frame *frame)
{
    (void)frame;
    strays++;
    x2apic_eoi();
}

static void life_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmis++;
}

static void life_is_quiet(void)
{
    for (unsigned v = 32; v < 256; v++)
        irq_handle((uint8_t)v, life_stray);
    irq_handle(VECTOR_NMI, life_nmi);
    x2apic_enable();
    irq_handle(VECTOR_SPURIOUS, life_stray);
    irq_enable();
    spin_for(50 * NS_PER_US);
    irq_disable();
    row("IN-15");
    check("no-strays", strays == 0 && nmis == 0, "%u interrupts, %u NMIs of an earlier life",
          strays, nmis);
    x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);    /* they are not blocked either */
    for (uint32_t i = 0; nmis == 0 && i < 100000; i++) /* at most 5 s: a busy host takes its time */
        spin_for(50 * NS_PER_US);
    check("nmi-comes", nmis == 1, "%u NMIs", nmis);
    irq_handle(VECTOR_NMI, NULL);
    timing_init(); /* takes back the vector of its sleep */
}

/* ---------------------------------------------------------------- which one */

static const struct ending *endings_find(const char *name)
{
    for (uint32_t t = 0; ending_tables[t] != NULL; t++) {
        for (const struct ending *e = ending_tables[t]; e->name != NULL; e++) {
            if (strcmp(e->name, name) == 0)
                return e;
        }
    }
    return NULL;
}

NORETURN void hostile_endings(void)
{
    const uint64_t began = time_ns();
    char name[48];

    life_is_clean();
    life_is_quiet();
    print("ready\n");
    console_line(name, sizeof(name));
    const struct ending *ending = endings_find(name);
    if (ending == NULL)
        fatal(1, "there is no ending '%s'", name);
    sleep_until(began + LIFE_NS);
    print("T %s/%s begins\n", ending->row, ending->name);
    ending->run();
    print("T %s/%s BAD the guest lives\n", ending->row, ending->name);
    power_off(EXIT_LIVED);
}
