/* SPDX-License-Identifier: MIT */
/*
 * smp: all cores of the guest count together on shared memory, then each interrupts each other
 * core. Option: target=N (200000) is how far they count.
 */
#include <stdatomic.h>

#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"

#define VECTOR_CALL 0x41
#define WAIT_NS     (2 * NS_PER_SECOND)

static uint32_t cores; /* how many came */
static uint32_t apic_ids[SMP_CORES_MAX];
static uint64_t target;

static _Atomic uint32_t present;        /* cores that told their APIC id */
static _Atomic bool go;                 /* `cores` is final */
static _Atomic uint64_t counter;        /* shared by all */
static uint64_t counted[SMP_CORES_MAX]; /* what each of them added */
static _Atomic uint32_t done;           /* cores behind their counting */
static _Atomic uint32_t turn;           /* whose turn to send IPIs it is */
static _Atomic uint32_t taken;          /* IPIs that were taken by their target */
static _Atomic uint32_t lost;           /* IPIs that were not */

static void smp_called(struct trap_frame *frame)
{
    (void)frame;
    x2apic_eoi();
    atomic_fetch_add(&taken, 1);
}

static void smp_count(uint32_t number)
{
    while (atomic_fetch_add(&counter, 1) < target)
        counted[number]++;
    atomic_fetch_add(&done, 1);
}

/* One at a time: IPIs with one vector that meet in the same core become one interrupt. */
static void smp_call_others(uint32_t number)
{
    for (uint32_t to = 0; to < cores; to++) {
        if (to == number)
            continue;
        uint32_t before = atomic_load(&taken);
        uint64_t start = tsc_now();
        x2apic_send(apic_ids[to], ICR_FIXED | VECTOR_CALL);
        while (atomic_load(&taken) == before && tsc_to_ns(tsc_now() - start) < WAIT_NS)
            cpu_pause();
        if (atomic_load(&taken) == before)
            atomic_fetch_add(&lost, 1);
    }
    atomic_fetch_add(&turn, 1);
}

/* Every core. */
static void smp_work(uint32_t number)
{
    apic_ids[number] = x2apic_id();
    atomic_fetch_add(&present, 1);
    while (!atomic_load(&go))
        cpu_pause();
    if (number >= cores)
        return; /* too late */
    smp_count(number);
    irq_enable();
    while (atomic_load(&turn) < number)
        cpu_pause();
    smp_call_others(number);
    while (atomic_load(&turn) < cores) /* the later ones still call this core */
        cpu_pause();
}

static uint64_t smp_report(void)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < cores; i++) {
        print("core %u, APIC id %u, counted %lu\n", i, apic_ids[i], counted[i]);
        total += counted[i];
    }
    print("%u IPIs taken, %u lost\n", atomic_load(&taken), atomic_load(&lost));
    return total;
}

int main(void)
{
    uint32_t expected = smp_expected();

    target = option_number("target", 200000);
    irq_handle(VECTOR_CALL, smp_called);
    x2apic_enable();
    print("%u cores expected\n", expected);
    if (expected < 2) {
        print("there is no second core: this guest needs cores = 2 or more\n");
        return 1;
    }
    smp_start(smp_work);
    cores = smp_wait(WAIT_NS);
    if (cores < expected) {
        print("only %u of %u cores came in %lu s\n", cores, expected, WAIT_NS / NS_PER_SECOND);
        return 1;
    }
    while (atomic_load(&present) < cores - 1)
        cpu_pause();
    atomic_store(&go, true);
    smp_work(0);

    uint64_t total = smp_report();
    if (total != target || atomic_load(&lost) != 0 || atomic_load(&done) != cores) {
        print("wrong: %lu counted of %lu, %u IPIs lost\n", total, target, atomic_load(&lost));
        return 1;
    }
    print("all %u cores counted, %lu in total, IPIs ok\n", cores, total);
    return 0;
}
