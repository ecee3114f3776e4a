/* SPDX-License-Identifier: MIT */
/*
 * world: what the operations find and leave: page tables, a GDT, a TSS and stacks for each core,
 * traps that lead back to the guard, and the way from any state to a sane one.
 *
 *   linear           what                                       who may
 *   4 KiB - 640 KiB  start page, code in real mode              CPL 0
 *   1 MiB - end      this program: code is read-only            CPL 0
 *   8 - 16 MiB       SCRATCH                                    all
 *   1 GiB + 8 MiB    SCRATCH_ALIAS: the same                    CPL 0
 *   4 TiB            PLAY_LINEAR: tables made at random
 * No other address is mapped, so nothing but a table itself can name memory that is not there.
 */
#include "guests/fuzz/fuzz.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/kit.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/x86/cr.h"
#include "lib/x86/desc.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define P          UINT64_C(1)
#define RW         UINT64_C(2)
#define USER       UINT64_C(4)
#define LARGE      UINT64_C(0x80)
#define CR0_SANE   UINT64_C(0x80010033) /* PG | WP | NE | ET | MP | PE */
#define PAT_RESET  UINT64_C(0x0007040600070406)
#define DR7_RESET  UINT64_C(0x400)
#define SVR_ENABLE 0x100
#define STACK_SIZE 8192
#define VECTOR_END 16 /* bytes of code per vector in vectors.asm */
#define DB         1
#define NMI        2

enum { IST_FAULT = 1, IST_NMI, IST_IRQ, IST_COUNT };

extern const char idt_vectors[], kit_fixups_end[], kit_end[];

struct core cores[CORES];
uint32_t core_count;
bool wild;
static uint64_t sane_cr4;

static ALIGNED(4096) struct pages pml4, pdpt, pd_low, pd_alias, pt_low[2];
ALIGNED(4096) struct pages play_pdpt, play_pd, play_pt;
static ALIGNED(16) uint8_t stacks[CORES][IST_COUNT][STACK_SIZE];
static ALIGNED(16) struct idt_gate gates[256];
static ALIGNED(16) struct tss tasks[CORES];
static ALIGNED(16) uint64_t tables[CORES][SEL_TSS / 8 + 2]; /* GDTs */

static const uint64_t descriptors[SEL_TSS / 8] = {
    [SEL_CODE64 / 8] = 0x00af9b000000ffff, [SEL_DATA / 8] = 0x00cf93000000ffff,
    [SEL_DATA3 / 8] = 0x00cff3000000ffff,  [SEL_CODE64U / 8] = 0x00affb000000ffff,
    [SEL_CODE32 / 8] = 0x00cf9b000000ffff, [SEL_CODE32U / 8] = 0x00cffb000000ffff,
    [SEL_CODE16 / 8] = 0x008f9b000000ffff, [SEL_CODE16U / 8] = 0x008ffb000000ffff,
};

/* What operations may have left behind, and what it was. Rows that this processor lacks fault at
 * the first restore and are then left out. */
static const struct {
    uint32_t index;
    uint64_t value;
} sane[] = {
    {MSR_X2APIC_TPR, 0},
    {MSR_X2APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS},
    {MSR_X2APIC_ESR, 0},
    {MSR_X2APIC_LVT_TIMER, LVT_MASKED | VECTOR_SPURIOUS},
    {MSR_TSC_DEADLINE, 0},
    {MSR_X2APIC_TIMER_INIT, 0},
    {MSR_X2APIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS},
    {MSR_PAT, PAT_RESET},
    {MSR_SYSENTER_CS, SEL_CODE64},
    {MSR_FS_BASE, 0},
    {MSR_GS_BASE, 0},
    {MSR_KERNEL_GS_BASE, 0},
    {MSR_STAR, (uint64_t)SEL_CODE64 << 32},
    {MSR_FMASK, UINT64_C(0x700)},
};

uint64_t world_cr3(void)
{
    return (uint64_t)&pml4;
}

uint64_t world_cr4(void)
{
    return sane_cr4;
}

/* ---------------------------------------------------------------- traps */

static struct core *world_core(void)
{
    const uint32_t id = (uint32_t)rdmsr(MSR_X2APIC_ID);

    return &cores[core_count > 1 && cores[0].apic_id != id];
}

static void world_land(struct core *c, struct trap_frame *f)
{
    f->rip = (uint64_t)guard_landing;
    f->rsp = c->guard_rsp;
    f->cs = SEL_CODE64;
    f->ss = SEL_DATA;
    f->rflags = 2;
    c->guarded = false;
    c->timed = false;
    c->away = false;
}

/* All vectors but those of the two below. The frame of a vector that has an error code, raised as
 * an interrupt, is off by a word: only what goes to the landing may be such a one. */
static void world_fault(struct trap_frame *f)
{
    struct core *c = world_core();

    c->faults[f->vector & 31]++;
    if (f->vector == DB && !c->guarded) {
        write_dr7(DR7_RESET); /* what op_dr() watches may be touched by the program itself */
        return;
    }
    if (!c->guarded)
        fatal(1, "exception %lu outside of an operation, RIP 0x%lx, error code 0x%lx", f->vector,
              f->rip, f->error_code);
    world_land(c, f);
}

static void world_nmi(struct trap_frame *f)
{
    (void)f;
    world_core()->nmis++;
}

static void world_interrupt(struct trap_frame *f)
{
    struct core *c = world_core();

    c->interrupts++;
    if (f->vector == VECTOR_ALARM && c->timed && c->guarded)
        world_land(c, f);
    else if (f->vector != VECTOR_ALARM)
        x2apic_eoi();
}

static void world_gates(void)
{
    for (uint32_t v = 0; v < 256; v++) {
        const uint64_t entry = (uint64_t)idt_vectors + v * VECTOR_END;
        gates[v] = (struct idt_gate){.offset_low = (uint16_t)entry,
                                     .selector = SEL_CODE64,
                                     .ist = v == NMI ? IST_NMI
                                            : v < 32 ? IST_FAULT
                                                     : IST_IRQ,
                                     .type = IDT_INTERRUPT_GATE,
                                     .offset_middle = (uint16_t)(entry >> 16),
                                     .offset_high = (uint32_t)(entry >> 32)};
        irq_handle((uint8_t)v, v == NMI ? world_nmi : v < 32 ? world_fault : world_interrupt);
    }
}

/* ---------------------------------------------------------------- memory */

static void world_map(void)
{
    const uint64_t end = (uint64_t)kit_end, writable = (uint64_t)kit_fixups_end;

    pml4.entry[0] = (uint64_t)&pdpt | P | RW | USER;
    pml4.entry[PLAY_LINEAR >> 39] = (uint64_t)&play_pdpt | P | RW | USER;
    pdpt.entry[0] = (uint64_t)&pd_low | P | RW | USER;
    pdpt.entry[1] = (uint64_t)&pd_alias | P | RW | USER;
    for (uint32_t i = 0; i < 2; i++)
        pd_low.entry[i] = (uint64_t)&pt_low[i] | P | RW;
    for (uint64_t at = PAGE_SIZE; at < end; at += PAGE_SIZE) {
        const bool code = at >= MIB && at < align_down(writable, PAGE_SIZE);
        if (at < 640 * KIB || at >= MIB)
            pt_low[at >> 21].entry[at >> 12 & 511] = at | P | (code ? 0 : RW);
    }
    for (uint64_t at = 0; at < SCRATCH_SIZE; at += PAGE_SIZE_2M) {
        pd_low.entry[(SCRATCH + at) >> 21] = (SCRATCH + at) | P | RW | USER | LARGE;
        pd_alias.entry[(SCRATCH + at) >> 21] = (SCRATCH + at) | P | RW | LARGE;
    }
}

/* At HALT_PAGE, and at 0: there lead the vectors of a core that has not left real mode yet. The
 * kit's tables still map page 0. */
static void world_halt_code(void)
{
    static const uint8_t halt[] = {0x0f, 0xa2, 0xf4, 0xeb, 0xfd}; /* CPUID; HLT; JMP to the HLT */

    for (uint32_t i = 0; i < sizeof(halt); i++)
        *(volatile uint8_t *)(HALT_PAGE * PAGE_SIZE + i) = halt[i];
    __asm__ volatile("movl $0xfdebf4, (%0)" : : "r"(UINT64_C(0)) : "memory");
}

/* What is taken for code there ends at once, and for an address is none. */
static void world_fill_scratch(void)
{
    for (uint64_t at = SCRATCH; at < SCRATCH + SCRATCH_SIZE; at += sizeof(uint64_t))
        *(volatile uint64_t *)at = UINT64_C(0xcccccccccccccccc);
}

void world_init(void)
{
    if ((uint64_t)kit_end > 2 * PAGE_SIZE_2M || memory_top() < SCRATCH + SCRATCH_SIZE)
        fatal(1, "this guest needs memory = 16M");
    sane_cr4 = CR4_PAE | (cpuid(1, 0).ecx & BIT32(26) ? CR4_OSXSAVE : 0);
    world_map();
    world_gates();
    world_halt_code();
    world_fill_scratch();
}

static void world_load_tables(struct core *c)
{
    const struct table_register gdtr = {sizeof(tables[0]) - 1, (uint64_t)tables[c->number]};
    const struct table_register idtr = {sizeof(gates) - 1, (uint64_t)gates};

    load_gdtr(&gdtr);
    load_idtr(&idtr);
    __asm__ volatile("lldt %w0" : : "r"(0));
    __asm__ volatile("mov %w0, %%ds; mov %w0, %%es; mov %w0, %%ss; mov %w1, %%fs; mov %w1, %%gs"
                     :
                     : "r"(SEL_DATA), "r"(0));
}

void world_enter(struct core *c)
{
    struct tss *tss = &tasks[c->number];
    const uint64_t base = (uint64_t)tss;
    uint64_t *gdt = tables[c->number];

    for (uint32_t i = 0; i < SEL_TSS / 8; i++)
        gdt[i] = descriptors[i];
    gdt[SEL_TSS / 8] = gdt_tss_low(base, sizeof(*tss) - 1);
    gdt[SEL_TSS / 8 + 1] = gdt_tss_high(base);
    *tss = (struct tss){.io_map_base = sizeof(*tss)}; /* at the limit: no port for CPL 3 */
    /* 32 bytes of room above: a frame may be off by a word, see world_fault(). */
    for (uint32_t i = 1; i < IST_COUNT; i++)
        tss->ist[i - 1] = (uint64_t)&stacks[c->number][i][STACK_SIZE - 32];
    tss->rsp[0] = tss->ist[IST_IRQ - 1];
    c->guarded = false;
    c->timed = false;
    c->away = false;
    write_cr3(world_cr3());
    world_load_tables(c);
    load_tr(SEL_TSS);
}

/* ---------------------------------------------------------------- guard and restore */

bool guard(struct core *c, void (*fn)(struct core *c))
{
    c->guarded = true;
    const bool faulted = guard_enter(c, fn) != 0;
    c->guarded = false;
    c->timed = false;
    irq_disable();
    return faulted;
}

void world_alarm(uint64_t ns)
{
    bulkhead_timer_set(bulkhead_time() + ns, VECTOR_ALARM);
}

/* In this order: what may fault by what is left behind comes when that has been put right. */
void world_registers(struct core *c)
{
    write_dr7(DR7_RESET); /* with GD set this faults, which clears GD */
    world_load_tables(c);
    write_cr0(CR0_SANE);
    write_cr3(world_cr3());
    write_cr4(world_cr4());
    wrmsr(MSR_EFER, EFER_LME | EFER_LMA | EFER_SCE);
    wrmsr(MSR_LSTAR, (uint64_t)fault_stub);
    wrmsr(MSR_CSTAR, (uint64_t)fault_stub);
    wrmsr(MSR_SYSENTER_EIP, (uint64_t)fault_stub);
    wrmsr(MSR_SYSENTER_ESP, (uint64_t)&stacks[c->number][0][STACK_SIZE]);
    if (world_cr4() & CR4_OSXSAVE)
        xsetbv(0, 1);
}

/* Takes what is pending and ends what is in service. */
static void world_interrupts(struct core *c)
{
    (void)c;
    for (uint32_t i = 0; i < ARRAY_SIZE(sane); i++)
        wrmsr(sane[i].index, sane[i].value);
    bulkhead_timer_set(0, 0);
    for (uint32_t n = 0; n < 256; n++) {
        uint64_t in_service = 0;
        for (uint32_t i = 0; i < 8; i++)
            in_service |= rdmsr(MSR_X2APIC_ISR0 + i);
        if (in_service == 0)
            break;
        x2apic_eoi();
    }
    __asm__ volatile("sti; nop; nop; cli" : : : "memory");
}

void world_restore(struct core *c)
{
    for (uint32_t tries = 0; guard(c, world_registers); tries++) {
        if (tries == 4)
            fatal(1, "core %u: its registers cannot be put right", c->number);
    }
    for (uint32_t tries = 0; guard(c, world_interrupts); tries++) {
        if (tries == 300) /* an exception's vector may be pending as an interrupt, once for each */
            fatal(1, "core %u: its interrupts do not end", c->number);
    }
}
