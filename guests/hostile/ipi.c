/* SPDX-License-Identifier: MIT */
/*
 * ipi: what the interrupt command register reaches: this core in every way there is, and nobody
 * outside of this guest.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/idt.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define VECTOR_IPI 0x60
#define FAR_AWAY   0x12345678u /* no machine has this APIC id */
#define EVERYBODY  0xffffffffu
#define SETTLE_NS  (200 * NS_PER_US)

static volatile uint32_t taken, nmis, nmi_again;

static void ipi_taken(struct trap_frame *frame)
{
    (void)frame;
    taken++;
    x2apic_eoi();
}

/* An NMI during an NMI waits for IRET. */
static void ipi_nmi(struct trap_frame *frame)
{
    (void)frame;
    nmis++;
    if (nmi_again > 0) {
        uint32_t before = nmis;
        nmi_again--;
        x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
        spin_for(SETTLE_NS);
        if (nmis != before)
            nmis = UINT32_MAX; /* nested */
    }
}

static void ipi_arrives(const char *id, uint32_t destination, uint32_t command, uint32_t want)
{
    taken = 0;
    struct fault f = try_wrmsr(MSR_X2APIC_ICR, (uint64_t)destination << 32 | command);
    irq_enable();
    spin_for(SETTLE_NS);
    irq_disable();
    if (f.taken)
        check_no_fault(id, f);
    else
        check(id, taken == want, "%u interrupts, want %u", taken, want);
}

static void ipi_fixed(void)
{
    uint32_t self = x2apic_id();
    uint32_t logical = (uint32_t)rdmsr(MSR_X2APIC_LDR);

    row("IN-03");
    irq_handle(VECTOR_IPI, ipi_taken);
    ipi_arrives("ipi-physical", self, ICR_FIXED | VECTOR_IPI, 1);
    ipi_arrives("ipi-logical", logical, ICR_FIXED | ICR_LOGICAL | VECTOR_IPI, 1);
    ipi_arrives("ipi-to-self", 0, ICR_FIXED | ICR_SELF | VECTOR_IPI, 1);
    ipi_arrives("ipi-to-all", 0, ICR_FIXED | ICR_ALL | VECTOR_IPI, 1);
    ipi_arrives("ipi-broadcast", EVERYBODY, ICR_FIXED | VECTOR_IPI, 1);
    ipi_arrives("ipi-far-away", FAR_AWAY, ICR_FIXED | VECTOR_IPI, 0);
    if (smp_expected() == 1) {
        ipi_arrives("ipi-to-others", 0, ICR_FIXED | ICR_ALL_OTHERS | VECTOR_IPI, 0);
        ipi_arrives("ipi-neighbour", self ^ 1, ICR_FIXED | VECTOR_IPI, 0);
    }
    taken = 0;
    x2apic_send_self(VECTOR_IPI);
    irq_enable();
    spin_for(SETTLE_NS);
    irq_disable();
    check_equal("ipi-self-register", taken, 1);
}

/* To every id that may be another guest's or the hypervisor's: nothing happens, here or there. */
static void ipi_foreign(void)
{
    static const uint32_t kinds[] = {
        ICR_NMI | ICR_ASSERT, ICR_INIT | ICR_ASSERT,  ICR_STARTUP | ICR_ASSERT | 8,
        0x200 /* SMI */,      ICR_FIXED | VECTOR_IPI, ICR_FIXED | 2 /* illegal vector */,
    };
    uint32_t self = x2apic_id();

    if (smp_expected() != 1)
        return;
    row("IN-04");
    taken = 0;
    for (uint32_t id = 0; id < 64; id++) {
        if (id == self)
            continue;
        for (uint32_t k = 0; k < ARRAY_SIZE(kinds); k++)
            x2apic_send(id, kinds[k]);
    }
    for (uint32_t k = 0; k < ARRAY_SIZE(kinds); k++)
        x2apic_send(0, ICR_ALL_OTHERS | kinds[k]);
    irq_enable();
    spin_for(SETTLE_NS);
    irq_disable();
    check_equal("ipi-foreign", taken, 0);
}

static void ipi_nmi_count(const char *id, uint32_t want)
{
    spin_for(SETTLE_NS);
    check(id, nmis == want, "%u NMIs, want %u", nmis, want);
    nmis = 0;
}

static void ipi_nmis(void)
{
    uint32_t self = x2apic_id();

    row("ABI");
    irq_handle(VECTOR_NMI, ipi_nmi);
    nmis = 0;
    x2apic_send(self, ICR_NMI | ICR_ASSERT); /* with interrupts off */
    ipi_nmi_count("nmi-self", 1);

    x2apic_send(FAR_AWAY, ICR_NMI | ICR_ASSERT);
    ipi_nmi_count("nmi-far-away", 0);

    row("IN-12");
    nmi_again = 1;
    x2apic_send(self, ICR_NMI | ICR_ASSERT);
    ipi_nmi_count("nmi-in-nmi", 2);
    irq_handle(VECTOR_NMI, NULL);
}

/* ---------------------------------------------------------------- all kinds at once */

#define VECTOR_PV      0x61
#define TOGETHER       2000
#define TOGETHER_LEAST 100 /* where the PV timer is slow, no more than this and so long */
#define TOGETHER_NS    (2 * NS_PER_SECOND)
#define PATIENCE_NS    (10 * NS_PER_SECOND)

static volatile uint32_t pv_timers;

static void ipi_pv_timer(struct trap_frame *frame)
{
    (void)frame;
    pv_timers++;
}

/* An NMI, the PV timer and an IPI all wait when interrupts go on, by STI, behind MOV SS, by HLT or
 * by an instruction that exits in STI's shadow: each comes, once. */
static void ipi_together(void)
{
    const uint32_t self = x2apic_id();
    uint32_t wrong = 0, rounds = 0;

    irq_handle(VECTOR_NMI, ipi_nmi);
    irq_handle(VECTOR_PV, ipi_pv_timer);
    const uint64_t begin = tsc_now();
    for (uint32_t i = 0; i < TOGETHER && wrong == 0; i++, rounds++) {
        if (i >= TOGETHER_LEAST && tsc_to_ns(tsc_now() - begin) > TOGETHER_NS)
            break;
        nmis = 0, taken = 0, pv_timers = 0;
        timer_set(1, VECTOR_PV);
        x2apic_send(self, ICR_FIXED | VECTOR_IPI);
        x2apic_send(self, ICR_NMI | ICR_ASSERT);
        switch (i % 4) {
        case 0:
            __asm__ volatile("sti; nop; nop" : : : "memory");
            break;
        case 1:
            __asm__ volatile("mov %%ss, %%eax; sti; mov %%eax, %%ss; nop; nop"
                             :
                             :
                             : "rax", "memory");
            break;
        case 2:
            __asm__ volatile("sti; hlt" : : : "memory");
            break;
        default:
            __asm__ volatile("xor %%eax, %%eax; sti; cpuid"
                             :
                             :
                             : "rax", "rbx", "rcx", "rdx", "memory");
            break;
        }
        const uint64_t start = tsc_now();
        while ((nmis == 0 || taken == 0 || pv_timers == 0) &&
               tsc_to_ns(tsc_now() - start) < PATIENCE_NS)
            cpu_pause();
        irq_disable();
        wrong += nmis != 1 || taken != 1 || pv_timers != 1;
    }
    row("X-08");
    check("together", wrong == 0, "round %u: %u NMIs, %u IPIs, %u timers", rounds, nmis, taken,
          pv_timers);
    irq_handle(VECTOR_NMI, NULL);
    nmis = 0, taken = 0;
}

void hostile_ipi(void)
{
    ipi_fixed();
    ipi_foreign();
    ipi_nmis();
    ipi_together();
}
