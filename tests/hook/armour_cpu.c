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
#include "vmx/bits.h"
#include "vmx/insn.h"
#include "vmx/switch.h"

#define SHOWN UINT64_C(0x5ec2e75ec2e75ec2) /* what the guest has in all its registers */

/* The bits that the processor has of SMEP, SMAP and UMIP, and what guards everywhere. */
static uint64_t wanted_cr4(void)
{
    const struct cpuid_regs seven = cpuid(7, 0);

    return CR4_MCE | (seven.ebx & BIT32(7) ? CR4_SMEP : 0) |
           (seven.ebx & BIT32(20) ? CR4_SMAP : 0) | (seven.ecx & BIT32(2) ? CR4_UMIP : 0);
}

/* Now, and as the VMCS will load them at the next exit. */
void armour_control_registers(struct vcpu *v)
{
    const uint64_t cr4 = wanted_cr4(), cr4_off = CR4_PGE | CR4_PCIDE | CR4_FSGSBASE;
    const uint64_t cr0 = CR0_PG | CR0_WP | CR0_NE | CR0_PE, cr0_off = CR0_CD | CR0_NW | CR0_AM;

    (void)v;
    armour_expect((read_cr0() & (cr0 | cr0_off)) == cr0, read_cr0());
    armour_expect((vmread_nat(VMCS_HOST_CR0) & (cr0 | cr0_off)) == cr0, vmread_nat(VMCS_HOST_CR0));
    armour_expect((read_cr4() & (cr4 | cr4_off)) == cr4, read_cr4());
    armour_expect((vmread_nat(VMCS_HOST_CR4) & (cr4 | cr4_off)) == cr4, vmread_nat(VMCS_HOST_CR4));
    armour_expect(rdmsr(MSR_EFER) & EFER_NXE, rdmsr(MSR_EFER));
    armour_expect(vmread64(VMCS_HOST_EFER) & EFER_NXE, vmread64(VMCS_HOST_EFER));
    armour_expect(vmread64(VMCS_HOST_PAT) == HOST_PAT, vmread64(VMCS_HOST_PAT));
    /* No SYSENTER of a guest's leads into the hypervisor. */
    armour_expect(vmread32(VMCS_HOST_SYSENTER_CS) == 0, vmread32(VMCS_HOST_SYSENTER_CS));
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
    for (uint32_t i = 0; i < CORES_MAX; i++) {
        if (atomic_load(&cpus[i].stage) == CPU_ABSENT)
            continue;
        armour_expect(cpus[i].canary >> 8 != 0 && (cpus[i].canary & 0xff) == 0, i);
        for (uint32_t j = 0; j < i; j++)
            armour_expect(cpus[i].canary != cpus[j].canary, i);
    }
    armour_expect(canary_make() != canary_make(), 0);
}

/* RSI, RDI, R8-R11, RBP; below them on the stack, where calls leave the way back. */
enum seen { SEEN_REGISTERS = 7, SEEN_CALLS = 40, SEEN_COUNT = SEEN_REGISTERS + SEEN_CALLS };

/* Into the guest, for no instruction, and back: what switch.asm leaves in the registers that bring
 * nothing, and below the stack. Returns the reason. */
static uint64_t enter_and_look(struct vcpu *v, uint64_t seen[SEEN_COUNT])
{
    uint64_t reason;

    for (uint32_t i = 0; i < GPR_COUNT; i++)
        v->regs.gpr[i] = SHOWN;
    vmwrite32(VMCS_PIN_BASED_CONTROLS, vmx_controls.pin | PIN_PREEMPTION_TIMER);
    vmwrite32(VMCS_PREEMPTION_TIMER, 0);
    __asm__ volatile("push %%rbp\n\t"
                     "push %[seen]\n\t"
                     "mov %[shown], %%rsi\n\t"
                     "mov %%rsi, %%rdi\n\t"
                     "mov %%rsi, %%r8\n\t"
                     "mov %%rsi, %%r9\n\t"
                     "mov %%rsi, %%r10\n\t"
                     "mov %%rsi, %%r11\n\t"
                     "call vmx_switch\n\t"
                     "mov (%%rsp), %%rax\n\t"
                     "mov %%rsi, 0(%%rax)\n\t"
                     "mov %%rdi, 8(%%rax)\n\t"
                     "mov %%r8, 16(%%rax)\n\t"
                     "mov %%r9, 24(%%rax)\n\t"
                     "mov %%r10, 32(%%rax)\n\t"
                     "mov %%r11, 40(%%rax)\n\t"
                     "mov %%rbp, 48(%%rax)\n\t"
                     "mov %%rcx, %%rdx\n\t"
                     "lea -320(%%rsp), %%rsi\n\t"
                     "lea 56(%%rax), %%rdi\n\t"
                     "mov $40, %%ecx\n\t"
                     "rep movsq\n\t"
                     "add $8, %%rsp\n\t"
                     "pop %%rbp"
                     : "=d"(reason), "+b"(v)
                     : [seen] "a"(seen), [shown] "d"(SHOWN)
                     : "rcx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
    return reason;
}

void armour_registers(struct vcpu *v)
{
    uint64_t seen[SEEN_COUNT] = {0};

    atomic_store(&v->kick, 1);
    armour_expect(vmx_no_exit(enter_and_look(v, seen)) == VMX_KICKED, 0);
    for (uint32_t i = 0; i < SEEN_REGISTERS; i++)
        armour_expect(seen[i] != SHOWN, i);
    atomic_store(&v->kick, 0);
    armour_expect(enter_and_look(v, seen) == VMX_REASON_PREEMPTION_TIMER, 0);
    for (uint32_t i = 0; i < SEEN_REGISTERS; i++)
        armour_expect(seen[i] != SHOWN, i);
    for (uint32_t i = 0; i < GPR_COUNT; i++)
        armour_expect(i == REG_RSP || v->regs.gpr[i] == SHOWN, v->regs.gpr[i]);
}

/* Calls that the exit made within `bytes` behind `from`, by the ways back that they left. */
static uint32_t calls_made(struct vcpu *v, void (*from)(void), uint32_t bytes)
{
    uint64_t seen[SEEN_COUNT] = {0};
    uint32_t count = 0;

    vmwrite_nat(VMCS_HOST_RIP, (uintptr_t)from);
    armour_expect(enter_and_look(v, seen) == VMX_REASON_PREEMPTION_TIMER, 0);
    for (uint32_t i = SEEN_REGISTERS; i < SEEN_COUNT; i++)
        count += seen[i] - (uintptr_t)from < bytes;
    return count;
}

/* It is sealed. */
static void set_at_entry(uint32_t what)
{
    write_cr0(read_cr0() & ~CR0_WP);
    vmx_spec.at_entry = what;
    write_cr0(read_cr0() | CR0_WP);
}

void armour_speculation(struct vcpu *v)
{
    void (*const chosen)(void) = vmx_spec.at_exit == SPEC_EXIT_PLAIN ? vmx_exit
                                 : vmx_spec.at_exit == SPEC_EXIT_ONE ? vmx_exit_one
                                                                     : vmx_exit_fill;
    const uint32_t at_entry = vmx_spec.at_entry;

    armour_expect(vmread_nat(VMCS_HOST_RIP) == (uintptr_t)chosen, vmx_spec.at_exit);
    if (vmx_spec.has_spec_ctrl)
        armour_expect(rdmsr(MSR_SPEC_CTRL) == vmx_spec.spec_ctrl, rdmsr(MSR_SPEC_CTRL));
    armour_expect(calls_made(v, vmx_exit_fill, 512) == 32, calls_made(v, vmx_exit_fill, 512));
    armour_expect(calls_made(v, vmx_exit_one, 100) == 1, calls_made(v, vmx_exit_one, 100));

    /* With something to do at each entry, each goes the way where it is done. */
    set_at_entry(SPEC_ENTRY_VERW | (cpuid(7, 0).edx & BIT32(28) ? SPEC_ENTRY_L1D : 0));
    v->hw_work = WORK_BUFFERS;
    (void)calls_made(v, chosen, 1);
    armour_expect(v->hw_work == WORK_BUFFERS, v->hw_work);
    set_at_entry(at_entry);
    v->hw_work = at_entry ? WORK_BUFFERS : 0;
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
