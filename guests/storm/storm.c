/* SPDX-License-Identifier: MIT */
/*
 * storm: its second core sends an NMI to its first every 20 us, and the first, after 200 ms of
 * them, reads outside of its memory. Without a pause between them the first would get nowhere.
 * Where the hypervisor has a bug in what follows, its own report has to come through that storm.
 */
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define VECTOR_NMI   2
#define ICR_TO_SHIFT 32
#define OUTSIDE      UINT64_C(0x5000000)

static uint32_t first; /* APIC id */

static void storm_send(uint32_t number)
{
    (void)number;
    for (;;) {
        const uint64_t next = tsc_now() + ns_to_tsc(20 * NS_PER_US);
        wrmsr(MSR_X2APIC_ICR, (uint64_t)first << ICR_TO_SHIFT | ICR_ASSERT | ICR_NMI);
        while (tsc_now() < next)
            cpu_pause();
    }
}

static void storm_ignore(struct trap_frame *frame)
{
    (void)frame;
}

int main(void)
{
    irq_handle(VECTOR_NMI, storm_ignore);
    x2apic_enable();
    first = (uint32_t)rdmsr(MSR_X2APIC_ID);
    smp_start(storm_send);
    smp_wait(NS_PER_SECOND);
    print("storming\n");
    const uint64_t end = tsc_now() + ns_to_tsc(200 * NS_PER_MS);
    while (tsc_now() < end)
        cpu_pause();
    return *(volatile uint8_t *)OUTSIDE;
}
