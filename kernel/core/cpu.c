/* SPDX-License-Identifier: MIT */
#include "kernel/core/cpu.h"

#include "drivers/lapic.h"
#include "kernel/core/cpu_tables.h"
#include "kernel/core/fpu.h"
#include "kernel/core/machine_check.h"
#include "kernel/core/trap.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define CPUID_1_ECX_X2APIC  BIT32(21)
#define CPUID_1_ECX_XSAVE   BIT32(26)
#define CPUID_7             7
#define CPUID_7_EBX_PT      BIT32(25)
#define CPUID_PERFMON       0xa
#define CPUID_PERFMON_EAX_V 0xff /* the version */
#define CPUID_XSAVE         0xd
#define CPUID_PERFMON_AMD   0x80000022
#define CPUID_E22_EAX_V2    BIT32(0) /* PerfMonV2 */
#define CPUID_E22_EAX_LBRS  BIT32(1) /* LbrStack */

#define DRAIN_ROUNDS 256 /* one for each vector */

static SEALED const struct lapic_timer *cpu_timer;

void cpu_use_timer(const struct lapic_timer *timer)
{
    cpu_timer = timer;
}

/* After a load of GS its base is gone. */
static void cpu_load_gdt(struct cpu *cpu)
{
    struct cpu_tables *t = cpu->tables;
    const struct table_register gdtr = {sizeof(t->gdt) - 1, (uintptr_t)t->gdt};

    t->gdt[GDT_CODE] = GDT_CODE64;
    t->gdt[GDT_DATA_SLOT] = GDT_DATA;
    load_gdtr(&gdtr);
    cpu_load_segments(GDT_SELECTOR(GDT_CODE));
    wrmsr(MSR_GS_BASE, (uintptr_t)cpu);
}

static void cpu_turn_off(uint32_t msr)
{
    const bool is_there = wrmsr_try(msr, 0);

    (void)is_there; /* what is not there is off */
}

/* Of a register that has more in it. */
static void cpu_turn_off_bits(uint32_t msr, uint64_t bits)
{
    uint64_t value;
    const bool is_there = rdmsr_try(msr, &value) && wrmsr_try(msr, value & ~bits);

    (void)is_there;
}

/*
 * What a debugger or profiler in the firmware left on. Processor Trace writes to physical memory,
 * which will be a guest's, and VMXON fails with it on; branch records are written to linear
 * addresses, which will be ours. Emulated processors lack a register here and there that their
 * model has. SDM "IA32_RTIT_CTL MSR", "IA32_DEBUGCTL MSR", "Architectural Performance Monitoring";
 * APM "Debug-Control MSR (DebugCtl)", "Performance Counter Global Control", "Last Branch Stack".
 */
static void cpu_stop_tracing(void)
{
    const uint32_t amd = cpuid_leaf(CPUID_PERFMON_AMD, 0).eax;

    if (cpuid_leaf(CPUID_7, 0).ebx & CPUID_7_EBX_PT)
        cpu_turn_off(MSR_RTIT_CTL);
    cpu_turn_off(MSR_DEBUGCTL);
    if ((cpuid_leaf(CPUID_PERFMON, 0).eax & CPUID_PERFMON_EAX_V) > 1)
        cpu_turn_off(MSR_PERF_GLOBAL_CTRL);
    if (amd & CPUID_E22_EAX_V2)
        cpu_turn_off(MSR_PERF_CNTR_GLOBAL_CTL);
    if (amd & CPUID_E22_EAX_LBRS)
        cpu_turn_off_bits(MSR_DEBUG_EXTN_CTL, DEBUG_EXTN_CTL_LBRS);
}

void cpu_setup_early(struct cpu *cpu)
{
    cpu->self = cpu;
    cpu_load_gdt(cpu);
    if (cpu->id == 0)
        trap_init();
    trap_load_idt();
    cpu_stop_tracing();
    smi_begin(&cpu->smis);
}

void cpu_setup(struct cpu *cpu)
{
    struct cpu_tables *t = cpu->tables;
    const uint64_t tss = (uintptr_t)&t->tss;

    t->gdt[GDT_TSS] = gdt_tss_low(tss, sizeof(t->tss) - 1);
    t->gdt[GDT_TSS_HIGH] = gdt_tss_high(tss);
    t->tss = (struct tss){.io_map_base = sizeof(struct tss)};
    for (uint32_t s = STACK_NMI; s < STACK_COUNT; s++)
        t->tss.ist[s - 1] = host_stack_top((enum host_stack)s);
    cpu_load_gdt(cpu);
    load_tr(GDT_SELECTOR(GDT_TSS));
    if (cpu->id == 0)
        trap_use_stacks(); /* of all cores: the others have a TSS before they load the IDT */
    trap_load_idt();
    if (cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) /* XSAVE: guests' XSETBV is carried out by us */
        write_cr4(read_cr4() | CR4_OSXSAVE);
    if (!machine_check_init() && cpu->id == 0)
        log_line("no machine checks: IA32_MCG_CAP cannot be read");
}

void cpu_need(struct virt_report *report)
{
    const uint32_t features = cpuid(1, 0).ecx;

    virt_need(report, features & CPUID_1_ECX_X2APIC,
              cpuid_is_tcg() ? "x2APIC: add it to QEMU's CPU model, as in '-cpu EPYC-Rome,+x2apic'"
                             : "x2APIC");
    if (features & CPUID_1_ECX_X2APIC)
        virt_need(report, lapic_timer_works(cpu_timer), "APIC timer");
    virt_need(report, features & CPUID_1_ECX_XSAVE, "XSAVE");
}

/* PKRU, too, which is no guest's to enable in XCR0: WRPKRU asks for CR4.PKE alone, and that bit is
 * the guest's on AMD. SDM "Protection Keys", APM "Memory Protection Keys (MPK)". */
static uint64_t cpu_guest_components(uint64_t xcr0_allowed)
{
    return xcr0_allowed | (cpuid_leaf(CPUID_XSAVE, 0).eax & XCR0_PKRU);
}

void cpu_reset_guest_state(uint64_t xcr0_allowed)
{
    fpu_reset_xsave(cpu_guest_components(xcr0_allowed));
    write_dr7(DR7_RESET);
    write_dr0(0);
    write_dr1(0);
    write_dr2(0);
    write_dr3(0);
    if (cpuid_leaf(0x80000001, 0).edx & (1u << 27))
        wrmsr(MSR_TSC_AUX, 0);
    lapic_reset();
    cpu_drain_interrupts();
    /* "Local APIC State After Power-Up or Reset": software-disabled, as the guest will see it. */
    wrmsr(MSR_X2APIC_SVR, HOST_VECTOR_SPURIOUS);
}

void cpu_wait_until(_Atomic uint32_t *flag, uint64_t deadline)
{
    lapic_timer_arm(cpu_timer, HOST_VECTOR_TICK, deadline);
    cpu_wait(flag);
    lapic_timer_disarm(cpu_timer);
}

void cpu_drain_interrupts(void)
{
    uint8_t vector;

    /* Whatever was sent or raised to its priority just now may be presented to the core only a
     * moment later, so what counts is what the APIC says. A guest chose what is pending. */
    for (uint32_t round = 0; round < DRAIN_ROUNDS; round++) {
        cpu_drain();
        if (!lapic_pending(&vector))
            return;
    }
    log_line("core with APIC id %u: an interrupt with vector %u stays pending", lapic_id(), vector);
}
