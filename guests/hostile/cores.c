/* SPDX-License-Identifier: MIT */
/*
 * cores: what a guest with several cores can do to itself, and through it to the hypervisor: all
 * call at once, interrupt, stop and start each other. For two cores and more.
 */
#include <stdatomic.h>

#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define CALLS          10000 /* by each core */
#define CLOCKS         10000
#define NMIS           2000
#define INITS          25
#define NMI_ARRIVES_NS (100 * NS_PER_US)
#define START_PAGE     8 /* where the kit put the code of a starting core */
#define PATIENCE       (10 * NS_PER_SECOND)

static void (*_Atomic job)(void);
static _Atomic uint32_t rounds, done, arrived;
static _Atomic uint64_t total, wrong;

static void cores_work(uint32_t number)
{
    uint32_t seen = atomic_load(&rounds);

    (void)number;
    atomic_fetch_add(&arrived, 1);
    for (;;) {
        while (atomic_load(&rounds) == seen)
            cpu_pause();
        seen = atomic_load(&rounds);
        atomic_load (&job)();
        atomic_fetch_add(&done, 1);
    }
}

static bool cores_wait(_Atomic uint32_t *counter, uint32_t value)
{
    const uint64_t start = tsc_now();

    while (atomic_load(counter) < value) {
        if (tsc_to_ns(tsc_now() - start) > PATIENCE)
            return false;
        cpu_pause();
    }
    return true;
}

/* All cores do it, this one too; false: not all came back. */
static bool cores_do(void (*what)(void))
{
    atomic_store(&total, 0);
    atomic_store(&wrong, 0);
    atomic_store(&done, 0);
    atomic_store(&job, what);
    atomic_fetch_add(&rounds, 1);
    what();
    return cores_wait(&done, smp_expected() - 1);
}

/* ---------------------------------------------------------------- jobs */

static void job_calls(void)
{
    for (uint32_t i = 0; i < CALLS; i++) {
        bool ok = bulkhead_version() == BULKHEAD_ABI_VERSION &&
                  bulkhead_call2(i, 0, 0) == BULKHEAD_ERROR_UNKNOWN;
        atomic_fetch_add(ok ? &total : &wrong, 1);
    }
}

/* Exits of every kind that a guest survives. */
static void job_storm(void)
{
    const uint64_t cr0 = read_cr0();

    for (uint32_t i = 0; i < CALLS; i++) {
        (void)cpuid(i & 0xf, i);
        out16((uint16_t)(0x100 + i % 0x200), (uint16_t)i);
        (void)in32((uint16_t)i);
        wrmsr(MSR_X2APIC_LVT_ERROR, 0x10061);
        (void)rdmsr(MSR_X2APIC_ICR);
        write_cr0(cr0 ^ CR0_NE);
        write_cr0(cr0);
        (void)bulkhead_time();
    }
}

static _Atomic uint64_t last_tsc, last_time;

/* A clock that one core has read is never behind on another. */
static void job_clock(void)
{
    for (uint32_t i = 0; i < CLOCKS; i++) {
        uint64_t before = atomic_load(&last_tsc);
        uint64_t now = tsc_now();
        if (now < before)
            atomic_fetch_add(&wrong, 1);
        atomic_store(&last_tsc, now);
        before = atomic_load(&last_time);
        now = bulkhead_time();
        if (now < before)
            atomic_fetch_add(&wrong, 1);
        atomic_store(&last_time, now);
    }
}

static _Atomic uint32_t nmis;

static void cores_nmi(struct trap_frame *frame)
{
    (void)frame;
    atomic_fetch_add(&nmis, 1);
}

/* Everybody interrupts everybody, mostly in the middle of an exit. */
static void job_nmi(void)
{
    for (uint32_t i = 0; i < NMIS; i++) {
        x2apic_send(0, ICR_ALL_OTHERS | ICR_NMI | ICR_ASSERT);
        (void)bulkhead_version();
        (void)cpuid(0, 0);
    }
}

static _Atomic uint32_t ipis;

static void cores_ipi(struct trap_frame *frame)
{
    (void)frame;
    atomic_fetch_add(&ipis, 1);
    x2apic_eoi();
}

static void job_ipi(void)
{
    irq_enable();
    for (uint32_t i = 0; i < NMIS; i++)
        x2apic_send(0xffffffff, ICR_FIXED | 0x60);
    spin_for(NS_PER_MS);
    irq_disable();
}

/* ---------------------------------------------------------------- starts and stops */

/* INIT to running cores, whatever they do; then SIPIs, more than are needed. */
static void cores_inits(void)
{
    const uint32_t others = smp_expected() - 1;
    bool all = true;

    row("IN-13");
    const bool with_nmis = can_try("nmis-before-init");
    for (uint32_t i = 0; i < INITS && all; i++) {
        atomic_store(&done, 0);
        atomic_store(&job, i % 2 == 0 && with_nmis ? job_nmi : job_calls);
        atomic_fetch_add(&rounds, 1);
        spin_for(i * 10 * NS_PER_US);
        atomic_store(&arrived, 0);
        x2apic_send(0, ICR_ALL_OTHERS | ICR_INIT | ICR_ASSERT);
        x2apic_send(0, ICR_ALL_OTHERS | ICR_INIT | ICR_ASSERT);
        /* An NMI that a core sent just before its INIT would find another in real mode already,
         * without a handler: it may arrive while that waits, and is dropped then. */
        if (i % 2 == 0)
            spin_for(NMI_ARRIVES_NS);
        for (uint32_t sipi = 0; sipi < 3; sipi++)
            x2apic_send(0, ICR_ALL_OTHERS | ICR_STARTUP | ICR_ASSERT | START_PAGE);
        all = cores_wait(&arrived, others);
    }
    spin_for(NS_PER_MS);
    check("init-while-running", all && atomic_load(&arrived) == others, "%u cores came, of %u",
          atomic_load(&arrived), others);
}

static void job_start(void)
{
    x2apic_send(0, ICR_ALL_OTHERS | ICR_STARTUP | ICR_ASSERT | START_PAGE);
}

/* SIPIs to cores that run are ignored; who sends them does not matter. */
static void cores_starts(void)
{
    row("CO-04");
    const uint32_t before = atomic_load(&arrived);
    bool all = true;

    for (uint32_t i = 0; i < 200 && all; i++)
        all = cores_do(job_start);
    check("start-of-running", all && atomic_load(&arrived) == before, "%u cores came again",
          atomic_load(&arrived) - before);
}

void hostile_cores(void)
{
    const uint32_t cores = smp_expected();

    irq_handle(VECTOR_NMI, cores_nmi);
    irq_handle(0x60, cores_ipi);
    smp_start(cores_work);
    row("ABI");
    bool all = cores_wait(&arrived, cores - 1);
    check("cores-come", all, "%u of %u", atomic_load(&arrived) + 1, cores);
    if (!all)
        return;

    row("HC-08");
    all = cores_do(job_calls);
    check("calls-at-once", all && atomic_load(&total) == (uint64_t)CALLS * cores,
          "%lu right, %lu wrong", atomic_load(&total), atomic_load(&wrong));
    row("CO-01");
    check("storm", cores_do(job_storm), "not all cores came back");
    row("TM-05");
    all = cores_do(job_clock);
    check("clocks", all && atomic_load(&wrong) == 0, "%lu times back", atomic_load(&wrong));
    row("IN-11");
    all = cores_do(job_nmi);
    spin_for(NS_PER_MS);
    check("nmis", all && atomic_load(&nmis) >= cores, "%u NMIs", atomic_load(&nmis));
    row("IN-03");
    all = cores_do(job_ipi);
    check("ipis", all && atomic_load(&ipis) >= cores, "%u interrupts", atomic_load(&ipis));
    cores_inits();
    cores_starts();
}

/* ---------------------------------------------------------------- part=race */

static _Atomic uint64_t race_at;

/* Each ends the guest in a way of its own at the same time; one of them is first. Who does what
 * changes from life to life, by the low digits of the clock. */
static void race_work(uint32_t number)
{
    while (rdtsc() < race_at)
        cpu_pause();
    switch ((number + (race_at >> 4)) % 4) {
    case 0:
        (void)*(volatile uint8_t *)memory_top();
        break;
    case 1:
        bulkhead_power_off(1);
        break;
    case 2:
        x2apic_send(0, ICR_ALL | ICR_INIT | ICR_ASSERT);
        break;
    default:
        bulkhead_restart();
        break;
    }
    for (;;)
        cpu_halt();
}

NORETURN void hostile_race(void)
{
    race_at = UINT64_MAX;
    smp_start(race_work);
    row("X-07");
    check("cores-come", smp_wait(PATIENCE) == smp_expected(), "not all");
    race_at = rdtsc() + ns_to_tsc(NS_PER_MS);
    race_work(0);
    for (;;)
        cpu_halt();
}
