/* SPDX-License-Identifier: MIT */
/*
 * timer: the PV timer, which needs no APIC, and the APIC's own timer in its three modes.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define VECTOR_PV   0x70
#define VECTOR_PV2  0x71
#define VECTOR_APIC 0x72
#define SOON_NS     (2 * NS_PER_MS)
#define LATER_NS    (10 * NS_PER_MS)
#define AGAIN       5000
#define PATIENCE    1000

static volatile uint32_t pv, pv2, apic;
static volatile bool in_service; /* the APIC thinks it delivered a PV timer interrupt */

static bool timer_in_service(uint8_t vector)
{
    return (rdmsr(MSR_X2APIC_ISR0 + vector / 32) & UINT32_C(1) << vector % 32) != 0;
}

static void timer_pv(struct trap_frame *frame)
{
    (void)frame;
    pv++;
    in_service = in_service || timer_in_service(VECTOR_PV);
}

static void timer_pv2(struct trap_frame *frame)
{
    (void)frame;
    pv2++;
}

static void timer_apic(struct trap_frame *frame)
{
    (void)frame;
    apic++;
    x2apic_eoi();
}

/* Interrupts on for so long. */
static void timer_listen(uint64_t ns)
{
    irq_enable();
    spin_for(ns);
    irq_disable();
}

/* At least so many come, if it takes long: a machine that is emulated may be slow. */
static void timer_await(const volatile uint32_t *count, uint32_t want)
{
    for (uint32_t i = 0; i < PATIENCE && *count < want; i++)
        timer_listen(LATER_NS);
}

static void timer_expect(const char *id, uint32_t want)
{
    timer_await(&pv, want);
    check(id, pv == want, "%u interrupts, want %u", pv, want);
    pv = 0;
}

static void timer_pv_basics(void)
{
    row("TM-01");
    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    timer_listen(SOON_NS / 2);
    check("pv-not-early", pv == 0, "%u interrupts", pv);
    timer_listen(LATER_NS);
    timer_expect("pv-once", 1);

    timer_set(1, VECTOR_PV);
    timer_listen(LATER_NS);
    timer_expect("pv-past-once", 1);

    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    timer_set(0, VECTOR_PV);
    timer_listen(LATER_NS);
    timer_expect("pv-cancel", 0);

    timer_set(UINT64_MAX, VECTOR_PV);
    timer_listen(LATER_NS);
    timer_expect("pv-never", 0);
    for (uint32_t bit = 62; bit < 64; bit++) { /* the sum with the present time wraps, or nearly */
        timer_set(UINT64_C(1) << bit, VECTOR_PV);
        timer_listen(SOON_NS);
        timer_set(~(UINT64_C(1) << bit), VECTOR_PV);
        timer_listen(SOON_NS);
    }
    timer_expect("pv-far-away", 0);
    timer_set(0, VECTOR_PV);

    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    timer_set(bulkhead_time() + 2 * SOON_NS, VECTOR_PV2);
    timer_listen(LATER_NS);
    timer_expect("pv-replaced", 0);
    timer_await(&pv2, 1);
    check_equal("pv-replacing", pv2, 1);
}

static void timer_pv_delivery(void)
{
    row("IN-01");
    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    spin_for(LATER_NS);
    timer_expect("pv-waits-for-if", 0);
    timer_listen(SOON_NS);
    timer_expect("pv-after-if", 1);

    row("HL-01");
    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    irq_wait();
    timer_expect("pv-ends-hlt", 1);

    row("ABI");
    wrmsr(MSR_X2APIC_TPR, 0xff);
    timer_set(bulkhead_time() + SOON_NS, VECTOR_PV);
    timer_listen(LATER_NS);
    wrmsr(MSR_X2APIC_TPR, 0);
    timer_expect("pv-despite-tpr", 1);
    check("pv-not-in-service", !in_service, "its ISR bit was set");

    uint64_t deadline = bulkhead_time() + SOON_NS;
    timer_set(deadline, VECTOR_PV);
    irq_wait();
    uint64_t now = bulkhead_time();
    check("pv-clock", now >= deadline, "came %lu ns early", deadline - now);
    pv = 0;
}

/* Set again and again: never two for one, and in the end exactly the last. A deadline that is past
 * already, for ever: time goes on for the guest. */
static void timer_pv_again(void)
{
    uint64_t counted = 0;

    row("TM-02");
    for (uint32_t i = 0; i < AGAIN; i++)
        timer_set(bulkhead_time() + NS_PER_SECOND, VECTOR_PV);
    timer_listen(SOON_NS);
    timer_expect("pv-set-again", 0);
    irq_enable();
    for (uint32_t i = 0; i < AGAIN; i++) { /* cancelled about when it fires */
        timer_set(bulkhead_time() + i % 64 * 100, VECTOR_PV);
        timer_set(0, VECTOR_PV);
    }
    irq_disable();
    check("pv-cancelled", pv <= AGAIN, "%u interrupts", pv);
    pv = 0;
    timer_listen(SOON_NS);
    timer_expect("pv-none-late", 0);

    row("TM-04");
    irq_enable();
    for (; counted < AGAIN; counted++)
        timer_set(1, VECTOR_PV);
    irq_disable();
    spin_for(100 * NS_PER_US);
    timer_listen(SOON_NS);
    check("pv-past-for-ever", pv > 0 && pv <= AGAIN, "%u interrupts for %lu calls", pv, counted);
    pv = 0;
}

static void timer_apic_expect(const char *id, bool ok)
{
    check(id, ok, "%u interrupts", apic);
    apic = 0;
}

static void timer_apic_deadline(void)
{
    row("MS-18");
    x2apic_timer_deadline(VECTOR_APIC);
    x2apic_arm(1);
    timer_listen(SOON_NS);
    timer_await(&apic, 1);
    timer_apic_expect("deadline-past", apic == 1);

    x2apic_arm(tsc_now() + ns_to_tsc(SOON_NS));
    x2apic_arm(0);
    timer_listen(LATER_NS);
    timer_apic_expect("deadline-disarmed", apic == 0);

    x2apic_arm(UINT64_MAX);
    timer_listen(SOON_NS);
    timer_apic_expect("deadline-never", apic == 0);
    x2apic_arm(0);
}

static void timer_apic_counts(void)
{
    uint32_t soon = (uint32_t)(x2apic_timer_khz() * SOON_NS / NS_PER_MS);

    row("IN-09");
    x2apic_timer_count(VECTOR_APIC, false, soon);
    timer_listen(LATER_NS);
    timer_await(&apic, 1);
    timer_apic_expect("count-one-shot", apic == 1);

    x2apic_timer_count(VECTOR_APIC, true, soon);
    timer_listen(5 * SOON_NS + SOON_NS / 2);
    wrmsr(MSR_X2APIC_TIMER_INIT, 0);
    timer_apic_expect("count-periodic", apic >= 4 && apic <= 6);
    timer_listen(LATER_NS);
    timer_apic_expect("count-stopped", apic <= 1);
    x2apic_timer_off();
}

void hostile_timer(void)
{
    irq_handle(VECTOR_PV, timer_pv);
    irq_handle(VECTOR_PV2, timer_pv2);
    irq_handle(VECTOR_APIC, timer_apic);
    timer_pv_basics();
    timer_pv_delivery();
    timer_pv_again();
    timer_apic_deadline();
    timer_apic_counts();
}
