/* SPDX-License-Identifier: MIT */
/*
 * armour_cpu: what the registers of the core say on which the first guest starts.
 */
#include "drivers/lapic.h"
#include "kernel/core/canary.h"
#include "kernel/core/cores.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"
#include "tests/hook/armour.h"

/* The bits that the processor has of SMEP, SMAP and UMIP, and what guards everywhere. */
static uint64_t wanted_cr4(void)
{
    const struct cpuid_regs seven = cpuid(7, 0);

    return CR4_MCE | (seven.ebx & BIT32(7) ? CR4_SMEP : 0) |
           (seven.ebx & BIT32(20) ? CR4_SMAP : 0) | (seven.ecx & BIT32(2) ? CR4_UMIP : 0);
}

void armour_expect_registers(uint64_t cr0, uint64_t cr4)
{
    const uint64_t cr0_on = CR0_PG | CR0_WP | CR0_NE | CR0_PE, cr0_off = CR0_CD | CR0_NW | CR0_AM;
    const uint64_t cr4_on = wanted_cr4(), cr4_off = CR4_PGE | CR4_PCIDE | CR4_FSGSBASE;

    armour_expect((cr0 & (cr0_on | cr0_off)) == cr0_on, cr0);
    armour_expect((cr4 & (cr4_on | cr4_off)) == cr4_on, cr4);
}

static void expect_now(void)
{
    armour_expect_registers(read_cr0(), read_cr4());
    armour_expect(rdmsr(MSR_EFER) & EFER_NXE, rdmsr(MSR_EFER));
    armour_expect(rdmsr(MSR_PAT) == HOST_PAT, rdmsr(MSR_PAT));
}

/* Now, and as they are after the next exit. */
void armour_control_registers(struct vcpu *v)
{
    expect_now();
    armour_backend->registers_after_exit(v);
    expect_now();
}

/* kernel/core/trap.c, linker.ld */
extern struct table_register trap_wait_idtr;
extern const uint8_t image_start[], image_text_end[];

struct table_register armour_wait_idtr(void)
{
    return trap_wait_idtr;
}

static void expect_gate(const struct idt_gate *gate, uint32_t vector)
{
    const uint64_t to =
        gate->offset_low | (uint64_t)gate->offset_middle << 16 | (uint64_t)gate->offset_high << 32;

    armour_expect(gate->type == IDT_INTERRUPT_GATE && gate->selector == read_cs(), vector);
    armour_expect(to >= (uintptr_t)image_start && to < (uintptr_t)image_text_end, to);
}

static void expect_ist(const struct tss *tss, const struct idt_gate *idt)
{
    static const struct {
        uint8_t vector;
        enum host_stack stack;
    } fatal[] = {{VECTOR_NMI, STACK_NMI},
                 {VECTOR_DF, STACK_DF},
                 {VECTOR_MC, STACK_MC},
                 {VECTOR_DB, STACK_DB}};

    for (uint32_t vector = 0; vector < 256; vector++)
        expect_gate(&idt[vector], vector);
    for (size_t i = 0; i < ARRAY_SIZE(fatal); i++) {
        const uint8_t ist = idt[fatal[i].vector].ist;
        armour_expect(ist >= 1 && ist <= 7 && tss->ist[ist - 1] == host_stack_top(fatal[i].stack),
                      fatal[i].vector);
    }
}

/* In the table for work and in the one for waits. */
void armour_ist(struct vcpu *v)
{
    const struct table_register gdtr = read_gdtr();
    const struct tss *tss = (const struct tss *)(uintptr_t)descriptor_base(&gdtr, read_tr());

    (void)v;
    expect_ist(tss, (const struct idt_gate *)(uintptr_t)read_idtr().base);
    expect_ist(tss, (const struct idt_gate *)(uintptr_t)trap_wait_idtr.base);
}

/* Random, as far as one look tells, with the byte that ends a string; GS leads to it. */
void armour_canaries(struct vcpu *v)
{
    uint64_t seen;

    __asm__ volatile("mov %%gs:8, %0" : "=r"(seen));
    armour_expect(seen == v->cpu->canary, seen);
    for (uint32_t i = 0; i < cores_made; i++) {
        if (atomic_load(&cpus[i]->stage) == CPU_ABSENT)
            continue;
        armour_expect(cpus[i]->canary >> 8 != 0 && (cpus[i]->canary & 0xff) == 0, i);
        for (uint32_t j = 0; j < i; j++)
            armour_expect(cpus[i]->canary != cpus[j]->canary, i);
    }
    armour_expect(canary_make() != canary_make(), 0);
}

/* One from this core to itself while it is not in a guest. */
void armour_nmi(struct vcpu *v)
{
    const uint64_t before = atomic_load(&v->cpu->nmis), start = rdtsc();

    lapic_send_nmi(v->apic_id);
    while (atomic_load(&v->cpu->nmis) == before && rdtsc() - start < 1000000)
        cpu_pause();
    armour_expect(atomic_load(&v->cpu->nmis) == before + 1, atomic_load(&v->cpu->nmis));
}
