/* SPDX-License-Identifier: MIT */
/*
 * end_events: ends by exceptions, by tables that are not the guest's, and states that only an
 * operator can end: the core is told nothing by anybody, and must still be taken away.
 */
#include "guests/hostile/endings.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

/* What is to come ends the guest. An emulator on a busy host takes its time. */
#define COMES_NS (5 * NS_PER_SECOND)

struct PACKED table_register {
    uint16_t limit;
    uint64_t base;
};

static void events_idt(uint64_t base, uint16_t limit)
{
    const struct table_register idtr = {limit, base};
    __asm__ volatile("lidt %0" : : "m"(idtr));
}

static void no_idt(void)
{
    events_idt(0, 0);
    __asm__ volatile("ud2");
}

static void no_idt_int(void)
{
    events_idt(0, 0);
    __asm__ volatile("int3");
}

static void no_idt_nmi(void)
{
    events_idt(0, 0);
    x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
    spin_for(COMES_NS);
}

static void no_stack(void)
{
    idt_init();
    idt_set_gate(VECTOR_DF, no_stack, 0); /* no stack of its own */
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(UINT64_C(0x800000000000) - 8) : "memory");
}

static void idt_outside(void)
{
    events_idt(memory_top(), 0xfff);
    __asm__ volatile("ud2");
}

static void idt_across(void)
{
    events_idt(memory_top() - 6 * 16 - 8, 0xfff); /* the gate of #UD */
    __asm__ volatile("ud2");
}

static void idt_outside_timer(void)
{
    x2apic_enable();
    x2apic_timer_deadline(0x60);
    events_idt(memory_top(), 0xfff);
    x2apic_arm(1);
    irq_enable();
    spin_for(COMES_NS);
}

static void idt_outside_injected(void)
{
    events_idt(memory_top(), 0xfff);
    rdmsr(MSR_MCG_STATUS); /* #GP by the hypervisor's hand */
}

static void gdt_outside(void)
{
    const struct table_register gdtr = {0xfff, memory_top()};
    __asm__ volatile("lgdt %0; mov %1, %%es" : : "m"(gdtr), "r"(0x10) : "memory");
}

static void frame_outside(void)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(memory_top() + 0x1000) : "memory");
}

/* ---------------------------------------------------------------- for ever */

static void interrupts_off(void)
{
    __asm__ volatile("cli; mov %0, %%cr8" : : "r"(UINT64_C(15)));
    for (;;)
        cpu_pause();
}

static void halt_off(void)
{
    __asm__ volatile("cli; mov %0, %%cr8" : : "r"(UINT64_C(15)));
    for (;;)
        cpu_halt();
}

static void nmi_for_ever(struct trap_frame *frame)
{
    (void)frame;
    for (;;)
        x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
}

static void nmi_keeps(void)
{
    irq_handle(VECTOR_NMI, nmi_for_ever);
    x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
    spin_for(NS_PER_SECOND);
}

/* #DB by a data breakpoint on the very stack that #DB is delivered on. CVE-2015-8104. */
static void db_storm(void)
{
    uint64_t rsp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
    rsp &= ~UINT64_C(15);
    write_dr0(rsp - 8);
    write_dr1(rsp - 16);
    write_dr2(rsp - 24);
    write_dr3(rsp - 32);
    irq_handle(VECTOR_DB, NULL);
    /* all four: any byte of 8, on reading and writing */
    write_dr7(0xffff06ff);
    for (;;)
        __asm__ volatile("push %rax; pop %rax");
}

/* Undefined for ever: the handler is the instruction itself. */
static void ud_handler(struct trap_frame *frame)
{
    (void)frame;
}

static void gp_storm(void)
{
    irq_handle(VECTOR_GP, ud_handler);
    rdmsr(MSR_MCG_STATUS);
}

/* Interrupts are off: all that the APIC takes is left to the hypervisor. */
static void vectors_pending(void)
{
    const uint32_t first = can_try("illegal-vectors") ? 0 : 16;

    irq_disable();
    for (uint32_t vector = first; vector < 256; vector++)
        wrmsr(MSR_X2APIC_ICR, ICR_SELF | vector);
    bulkhead_restart();
}

/* Its own IPIs, faster than it can take them, each with an exit. */
static void ipi_storm(void)
{
    x2apic_enable();
    irq_enable();
    for (;;)
        x2apic_send(x2apic_id(), ICR_FIXED | 0x60);
}

/* The shortest period that the APIC timer has. */
static void timer_storm(void)
{
    x2apic_enable();
    x2apic_timer_count(0x60, true, 1);
    irq_enable();
    for (;;)
        cpu_pause();
}

static void pv_timer_storm(void)
{
    irq_enable();
    for (;;)
        timer_set(1, VECTOR_SLEEP);
}

/* ---------------------------------------------------------------- with much left behind */

static void events_dirty(void)
{
    x2apic_enable();
    for (unsigned v = 16; v < 256; v++)
        x2apic_send_self((uint8_t)v); /* pending: interrupts are off */
    wrmsr(MSR_X2APIC_TPR, 0xff);
    wrmsr(MSR_X2APIC_LVT_ERROR, 0x31);
    wrmsr(MSR_X2APIC_SELF_IPI, 3); /* an illegal vector: the error interrupt is pending too */
    wrmsr(MSR_STAR, ~UINT64_C(0));
    wrmsr(MSR_LSTAR, ~UINT64_C(0));
    wrmsr(MSR_KERNEL_GS_BASE, ~UINT64_C(0));
    wrmsr(MSR_SYSENTER_EIP, ~UINT64_C(0));
    wrmsr(MSR_PAT, 0);
    wrmsr(MSR_MTRR_DEF_TYPE, 0);
    write_dr0(0x1234);
    write_dr3(0xffff);
    write_dr6(~UINT64_C(0) >> 32);
    write_dr7(0x7ff);
    write_cr2(~UINT64_C(0));
    write_cr0(read_cr0() | CR0_CD);
    write_cr4(read_cr4() | CR4_OSXSAVE | CR4_PCE | CR4_TSD);
    const uint32_t shown = cpuid(0xd, 0).eax;
    __asm__ volatile("xsetbv" : : "c"(0), "a"(shown), "d"(0));
    write_cr0(read_cr0() & ~(CR0_TS | CR0_EM));
    write_cr4(read_cr4() | CR4_OSFXSR);
    __asm__ volatile("pcmpeqd %xmm0, %xmm0; pcmpeqd %xmm15, %xmm15; fninit; fldpi");
    if (shown & XCR0_AVX)
        __asm__ volatile("vcmptrueps %ymm0, %ymm0, %ymm7");
    if (shown & XCR0_AVX512)
        __asm__ volatile("vpternlogd $255, %zmm31, %zmm31, %zmm31; kxnorw %k1, %k1, %k1");
    /* the vector of the hypervisor's own tick */
    x2apic_timer_count(0xf0, true, can_try("short-period") ? 1000 : 1000000);
}

static void dirty_triple_fault(void)
{
    events_dirty();
    no_idt();
}

static void in_service(struct trap_frame *frame)
{
    (void)frame; /* no EOI: it stays in service */
    events_dirty();
    no_idt();
}

/* Dies inside an interrupt of the highest priority. */
static void dirty_in_service(void)
{
    x2apic_enable();
    irq_handle(0xfe, in_service);
    x2apic_send_self(0xfe);
    irq_enable();
    spin_for(COMES_NS);
}

/* Dies inside an NMI: they are blocked then. */
static void dirty_in_nmi(void)
{
    irq_handle(VECTOR_NMI, in_service);
    x2apic_send(x2apic_id(), ICR_NMI | ICR_ASSERT);
    spin_for(COMES_NS);
}

static void half_a_line(void)
{
    print("this line has no");
    no_idt();
}

const struct ending endings_events[] = {
    {"EX-01", "no-idt", no_idt},
    {"EX-01", "no-idt-int", no_idt_int},
    {"EX-01", "no-idt-nmi", no_idt_nmi},
    {"EX-01", "no-stack", no_stack},
    {"VE-06", "idt-outside", idt_outside},
    {"VE-06", "idt-across", idt_across},
    {"VE-06", "idt-outside-timer", idt_outside_timer},
    {"VE-06", "idt-outside-injected", idt_outside_injected},
    {"VE-06", "gdt-outside", gdt_outside},
    {"VE-06", "frame-outside", frame_outside},
    {"CR-17", "interrupts-off", interrupts_off},
    {"HL-02", "halt-off", halt_off},
    {"IN-12", "nmi-keeps", nmi_keeps},
    {"DR-04", "db-storm", db_storm},
    {"EX-06", "gp-storm", gp_storm},
    {"IN-03", "ipi-storm", ipi_storm},
    {"IN-15", "vectors-pending", vectors_pending},
    {"IN-09", "timer-storm", timer_storm},
    {"TM-04", "pv-timer-storm", pv_timer_storm},
    {"X-04", "dirty-triple-fault", dirty_triple_fault},
    {"X-04", "dirty-in-service", dirty_in_service},
    {"X-04", "dirty-in-nmi", dirty_in_nmi},
    {"X-05", "half-a-line", half_a_line},
    {NULL, NULL, NULL},
};
