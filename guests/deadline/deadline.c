/* SPDX-License-Identifier: MIT */
/*
 * deadline: makes one kind of exit in a loop, so that a test sees whether the hypervisor keeps its
 * deadlines meanwhile. With two cores the second one works for the test.
 * Options: loop=KIND, a name of the table below, kick or init (by the second core).
 * what=watchdog (default): loops without end, and without one watchdog call.
 * what=timer: sets the PV timer ms=MS (10) ahead, rounds=N (10) times, says how late each interrupt
 * came at most, and powers off. With hold, it takes them with interrupts off, and sleeps.
 * what=console: loops ms=MS (200) each of all kinds while the second core floods the console, says
 * how many bytes were taken meanwhile, and powers off.
 */
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/try.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define VECTOR_TIMER 0x50
#define VECTOR_DB    1
#define VECTOR_NMI   2
#define PORT_CLOSED  0x80
#define MSR_NONE     0x12345 /* no processor has it */
#define MSR_EXITING  0x3a    /* IA32_FEATURE_CONTROL: readable, and not direct */
#define START_PAGE   8       /* of guests/kit/smp.c */
#define INIT_EACH    (100 * NS_PER_MS)
#define KICK_NS      (100 * NS_PER_US)
#define CACHE_NS     (50 * NS_PER_US)
#define WINDOW_NS    NS_PER_US
#define FULL_NS      (300 * NS_PER_MS) /* until the flood has filled all there is */
#define SMP_NS       NS_PER_SECOND

static uint64_t cr4;
static uint32_t lead;
static _Atomic uint64_t flooded; /* bytes the console took from the second core */
static _Atomic bool flood_over;
static volatile uint64_t timer_came;

/* ------------------------------------------------------------------ one exit of each kind */

static void loop_none(void)
{
    cpu_pause();
}

static void loop_cpuid(void)
{
    (void)cpuid(0, 0);
}

static void loop_call(void)
{
    (void)bulkhead_version();
}

/* Too long: refused. */
static void loop_write(void)
{
    (void)bulkhead_call2(BULKHEAD_CALL_CONSOLE_WRITE, BULKHEAD_CONSOLE_MAX + 1, 0);
}

static void loop_in(void)
{
    (void)in8(PORT_CLOSED);
}

static void loop_out(void)
{
    out8(PORT_CLOSED, 0);
}

static void loop_rdmsr(void)
{
    (void)rdmsr(MSR_EXITING);
}

static void loop_refused(void)
{
    uint64_t value;
    (void)try_rdmsr(MSR_NONE, &value);
}

static void loop_xsetbv(void)
{
    (void)try_xsetbv(0, XCR0_X87);
}

/* MCE is not the guest's, but may be changed to its own eyes. */
static void loop_cr(void)
{
    cr4 ^= CR4_MCE;
    (void)try_write_cr4(cr4);
}

static void loop_forbidden(void)
{
    (void)try_insn("vmxoff");
}

/* Not too often: an emulator forgets all that it has translated. */
static void loop_cache(void)
{
    spin_for(CACHE_NS);
    __asm__ volatile("wbinvd" : : : "memory");
}

static void on_step(struct trap_frame *frame)
{
    frame->rflags &= ~RFLAGS_TF;
}

/* #DB is intercepted and reflected. */
static void loop_step(void)
{
    __asm__ volatile("pushfq; orq %0, (%%rsp); popfq; nop" : : "i"(RFLAGS_TF) : "memory", "cc");
}

/* An event that waits for interrupts to be on. Its deadline would move the timer's: for a loop that
 * measures another one. */
static void loop_window(void)
{
    irq_disable();
    (void)bulkhead_timer_set(bulkhead_time() + WINDOW_NS, VECTOR_SLEEP);
    spin_for(2 * WINDOW_NS);
    irq_enable();
}

static const struct {
    const char *name;
    void (*once)(void);
} loops[] = {
    {"none", loop_none},
    {"cpuid", loop_cpuid},
    {"call", loop_call},
    {"write", loop_write},
    {"in", loop_in},
    {"out", loop_out},
    {"rdmsr", loop_rdmsr},
    {"refused", loop_refused},
    {"xsetbv", loop_xsetbv},
    {"cr", loop_cr},
    {"forbidden", loop_forbidden},
    {"cache", loop_cache},
    {"step", loop_step},
    {"window", loop_window},
};

/* ------------------------------------------------------------------ the second core */

static void on_nmi(struct trap_frame *frame)
{
    (void)frame;
}

/* Without a pause when nothing but the hypervisor's own deadline counts. An interrupt would wait
 * for the end of such NMIs, as on any machine: they come first. */
static void other_kicks(uint32_t number)
{
    const uint64_t pause = option_is("what", "timer") ? KICK_NS : 0;

    (void)number;
    for (;;) {
        x2apic_send(lead, ICR_NMI | ICR_ASSERT);
        spin_for(pause);
    }
}

/* The lead comes here as well, with the next number, as often as it is started. */
static void other_inits(uint32_t number)
{
    while (number == 1) {
        spin_for(INIT_EACH);
        x2apic_send(lead, ICR_INIT | ICR_ASSERT);
        x2apic_send(lead, ICR_STARTUP | ICR_ASSERT | START_PAGE);
    }
    for (;;)
        cpu_pause();
}

static void other_floods(uint32_t number)
{
    static const char line[] = "0123456789012345678901234567890123456789\n";

    (void)number;
    while (!atomic_load(&flood_over)) {
        const int64_t taken = bulkhead_console_write(line, sizeof(line) - 1);
        if (taken > 0)
            atomic_fetch_add(&flooded, (uint64_t)taken);
        else
            cpu_pause();
    }
}

static void start_other(void (*work)(uint32_t number))
{
    lead = x2apic_id();
    smp_start(work);
    if (smp_wait(SMP_NS) < 2)
        fatal(1, "there is no second core");
}

/* ------------------------------------------------------------------ what is asked */

static void (*find_loop(void))(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(loops); i++) {
        if (option_is("loop", loops[i].name))
            return loops[i].once;
    }
    if (option_is("loop", "kick"))
        start_other(other_kicks);
    else if (option_is("loop", "init"))
        start_other(other_inits);
    else
        fatal(1, "there is no such loop");
    return loop_none;
}

static void on_timer(struct trap_frame *frame)
{
    (void)frame;
    timer_came = bulkhead_time();
}

/* With interrupts off until long after the deadline, and then in HLT. */
static void timer_hold(uint64_t ns)
{
    spin_for(ns + ns / 2);
    irq_wait();
}

static int what_timer(void (*once)(void))
{
    const uint64_t ns = option_number("ms", 10) * NS_PER_MS;
    const uint64_t rounds = option_number("rounds", 10);
    const bool hold = option_set("hold");
    uint64_t worst = 0;

    irq_handle(VECTOR_TIMER, on_timer);
    for (uint64_t n = 0; n < rounds; n++) {
        const uint64_t due = bulkhead_time() + ns;
        timer_came = 0;
        irq_disable();
        timer_set(due, VECTOR_TIMER);
        if (hold)
            timer_hold(ns);
        irq_enable();
        while (timer_came == 0)
            once();
        if (timer_came < due)
            fatal(1, "an interrupt came %lu ns early", due - timer_came);
        if (timer_came - due > worst)
            worst = timer_came - due;
    }
    print("late by at most %lu us of %lu\n", worst / NS_PER_US, ns / NS_PER_US);
    return 0;
}

static int what_console(void)
{
    const uint64_t ticks = ns_to_tsc(option_number("ms", 200) * NS_PER_MS);
    uint64_t bytes[ARRAY_SIZE(loops)];

    start_other(other_floods);
    spin_for(FULL_NS);
    for (uint32_t i = 0; i < ARRAY_SIZE(loops); i++) {
        const uint64_t before = atomic_load(&flooded), start = tsc_now();
        while (tsc_now() - start < ticks)
            loops[i].once();
        bytes[i] = atomic_load(&flooded) - before;
    }
    atomic_store(&flood_over, true);
    for (uint32_t i = 0; i < ARRAY_SIZE(loops); i++)
        print("\n%s: %lu bytes\n", loops[i].name, bytes[i]);
    return 0;
}

int main(void)
{
    cr4 = read_cr4() | CR4_OSXSAVE;
    write_cr4(cr4);
    irq_handle(VECTOR_DB, on_step);
    irq_handle(VECTOR_NMI, on_nmi);
    irq_enable();
    x2apic_enable();
    if (option_is("what", "console"))
        return what_console();
    void (*const once)(void) = find_loop();
    if (option_is("what", "timer"))
        return what_timer(once);
    for (;;)
        once();
}
