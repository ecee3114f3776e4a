/* SPDX-License-Identifier: MIT */
/*
 * tables: writes to the MSI-X table of a device of the guest's. What is in its place is memory that
 * the hypervisor opens for one instruction (docs/devices.md), and nobody may see that: each way to
 * write (writes.asm) is tried on a page of the guest's own first and on the table then, at the same
 * linear address, and all that came of it is compared. SDM and APM say the rest.
 * Option: table=N, its guest-physical address, where the guest has no device.
 */
#include "guests/hostile/tables.h"

#include <stdatomic.h>

#include "guests/hostile/hostile.h"
#include "guests/hostile/modes.h"
#include "guests/kit/idt.h"
#include "guests/kit/kit.h"
#include "guests/kit/pci.h"
#include "guests/kit/smp.h"
#include "guests/kit/timing.h"
#include "guests/kit/x2apic.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define VECTOR_IPI 0xa1 /* also in writes.asm */
#define DR7_OFF    UINT64_C(0x400)

#define REPEATS       8
#define REPEATS_STORM 16
#define REMAPS        300
#define INCREMENTS    3000
#define PATIENCE      (20 * NS_PER_SECOND)

/* Linear addresses: the page, what is behind it, and where MOVS reads. */
#define WINDOW (512 * GIB)
#define BEHIND (WINDOW + PAGE_SIZE)
#define SOURCE (WINDOW + 2 * PAGE_SIZE)
#define TABLE  UINT64_C(0x07) /* present, writable, user */

enum try_bit { /* also in writes.asm */
               CPL_0 = 1,
               ALONE = 2,
               SOURCE_AWAY = 4,
               INTEL = 8,
               HAS_TRAPS = 16,
               HAS_INTERRUPT = 32,
               HAS_FAULT = 64,
};

struct
try {
    const char *name;
    void (*code)(void);
    uint64_t bits, undefined; /* flags */
};

extern const struct try writes_table[];

#define REGISTERS 17 /* RSP, RAX, RBX, ..., flags */
#define FLAGS     (REGISTERS - 1)
#define TRAPS     16

struct seen {
    uint64_t registers[REGISTERS];
    uint64_t interrupts, interrupt_rip, interrupt_flags;
    uint64_t faults, fault_rip, fault_address;
    uint64_t traps, trap_rip[TRAPS], trap_dr6[TRAPS];
};

void writes_run(void (*code)(void), uint64_t registers[REGISTERS], void *page, const void *source);

void writes_hook(void); /* 32-bit code, for a round of modes.asm */

extern uint32_t writes_page; /* where it writes, without paging */

extern uint64_t kit_pml4[512];

static ALIGNED(4096) volatile uint64_t pdpt[512], pd[512], pt[512];
static ALIGNED(4096) uint8_t normal[PAGE_SIZE], behind[PAGE_SIZE], behind_first[PAGE_SIZE];
static ALIGNED(4096) uint8_t source[PAGE_SIZE], other_source[PAGE_SIZE];

static uint64_t table; /* guest-physical, a page */
static struct seen seen[2], *now = &seen[0];

/* ---------------------------------------------------------------- where it is */

static void window_set(uint64_t linear, uint64_t physical)
{
    pt[linear / PAGE_SIZE % 512] = physical == 0 ? 0 : physical | TABLE;
    invlpg(linear);
}

static void window_make(void)
{
    kit_pml4[WINDOW / (512 * GIB)] = (uint64_t)pdpt | TABLE;
    pdpt[0] = (uint64_t)pd | TABLE;
    pd[0] = (uint64_t)pt | TABLE;
    window_set(WINDOW, table);
    window_set(SOURCE, (uint64_t)source);
    write_cr3(read_cr3());
}

bool tables_find(void)
{
    table = pci_table_any();
    if (table == 0)
        table = option_number("table", 0);
    table &= ~UINT64_C(0xfff);
    if (table == 0)
        return false;
    window_make();
    return true;
}

volatile uint32_t *tables_page(void)
{
    window_set(WINDOW, table);
    return (volatile uint32_t *)WINDOW;
}

uint64_t tables_physical(void)
{
    return table;
}

/* ---------------------------------------------------------------- handlers */

static void tables_ipi(struct trap_frame *frame)
{
    now->interrupts++;
    now->interrupt_rip = frame->rip;
    now->interrupt_flags = frame->rflags;
    x2apic_eoi();
}

static void tables_trap(struct trap_frame *frame)
{
    if (now->traps < TRAPS) {
        now->trap_rip[now->traps] = frame->rip;
        now->trap_dr6[now->traps] = read_dr6();
    } else {
        frame->rflags &= ~RFLAGS_TF;
        write_dr7(DR7_OFF);
    }
    now->traps++;
    write_dr6(DR6_RESET);
    frame->rflags |= RFLAGS_RF; /* go on behind an instruction breakpoint */
}

/* What is missing is put there, and the instruction done again. */
static void tables_fault(struct trap_frame *frame)
{
    const uint64_t at = read_cr2();

    now->faults++;
    now->fault_rip = frame->rip;
    now->fault_address = at;
    if (at >= BEHIND && at < SOURCE && pt[1] == 0)
        window_set(BEHIND, (uint64_t)behind);
    else if (at >= SOURCE && at < SOURCE + PAGE_SIZE && pt[2] == 0)
        window_set(SOURCE, (uint64_t)source);
    else
        fatal(1, "#PF at 0x%lx, address 0x%lx", frame->rip, at);
}

/* ---------------------------------------------------------------- two pages compared */

static const struct try *trying;

static uint64_t tables_do(void)
{
    writes_run(trying->code, now->registers, (void *)WINDOW, (const void *)SOURCE);
    return 0;
}

static void tables_try_on(uint64_t page, struct seen *result, bool at_cpl_3)
{
    now = result;
    *now = (struct seen){0};
    memset(behind, 0, sizeof(behind));
    window_set(WINDOW, page);
    window_set(BEHIND, 0);
    window_set(SOURCE, trying->bits & SOURCE_AWAY ? 0 : (uint64_t)source);
    if (tables_storming && (trying->bits & ALONE))
        irq_disable();
    if (at_cpl_3)
        (void)ring3_run(tables_do);
    else
        (void)tables_do();
    if (tables_storming)
        irq_enable();
    now->registers[FLAGS] &= ~trying->undefined;
}

static int64_t tables_differ(const void *a, const void *b, uint64_t size)
{
    const uint8_t *x = a, *y = b;

    for (uint64_t i = 0; i < size; i++)
        if (x[i] != y[i])
            return (int64_t)i;
    return -1;
}

/* It was what it is called. */
static bool tables_had(const struct seen *s)
{
    return (s->traps != 0) == ((trying->bits & HAS_TRAPS) != 0) &&
           (s->interrupts != 0) == ((trying->bits & HAS_INTERRUPT) != 0) &&
           (s->faults != 0) == ((trying->bits & HAS_FAULT) != 0);
}

/* True: the same came of it. Else what is said first. */
static bool tables_try(bool at_cpl_3, char *why, size_t size)
{
    memcpy(normal, (const void *)tables_page(), PAGE_SIZE);
    tables_try_on((uint64_t)normal, &seen[0], at_cpl_3);
    memcpy(behind_first, behind, PAGE_SIZE);
    tables_try_on(table, &seen[1], at_cpl_3);
    const int64_t byte = tables_differ(normal, (const void *)WINDOW, PAGE_SIZE);
    const int64_t more = tables_differ(behind_first, behind, PAGE_SIZE);
    const int64_t word = tables_differ(&seen[0], &seen[1], sizeof(seen[0])) / 8;

    if (!tables_had(&seen[0])) {
        fmt_print(why, size, "on memory: %lu traps, %lu interrupts, %lu faults", seen[0].traps,
                  seen[0].interrupts, seen[0].faults);
        return false;
    }
    if (byte < 0 && more < 0 && tables_differ(&seen[0], &seen[1], sizeof(seen[0])) < 0)
        return true;
    fmt_print(why, size, "byte 0x%lx, behind 0x%lx, seen %ld: 0x%lx, not 0x%lx; %lu traps, not %lu",
              byte, more, word, ((const uint64_t *)&seen[1])[word],
              ((const uint64_t *)&seen[0])[word], seen[1].traps, seen[0].traps);
    return false;
}

static void tables_all(const char *how, bool at_cpl_3)
{
    for (trying = writes_table; trying->name != NULL; trying++) {
        char id[64], why[160] = "";
        bool ok = true;

        if ((at_cpl_3 && (trying->bits & CPL_0)) || (hostile_on_amd() && (trying->bits & INTEL)))
            continue;
        fmt_print(id, sizeof(id), "%s-%s", how, trying->name);
        row(trying->bits & CPL_0 ? "DM-12" : "DM-11");
        if (!can_try(id))
            continue;
        for (uint32_t i = 0; ok && i < (tables_storming ? REPEATS_STORM : REPEATS); i++)
            ok = tables_try(at_cpl_3, why, sizeof(why));
        check(id, ok, "%s", why);
    }
}

/* ---------------------------------------------------------------- other things */

/* The step must not see what the page tables said before. */
static void tables_remap(const char *id)
{
    uint32_t wrong = 0;

    row("DM-12");
    for (uint32_t i = 0; i < REMAPS; i++) {
        const uint8_t *from = i % 2 != 0 ? source : other_source;
        uint64_t to = WINDOW + 0x40, at = SOURCE;

        pt[2] = (uint64_t)from | TABLE;
        if (i % 4 < 2)
            invlpg(SOURCE);
        else
            write_cr3(read_cr3());
        __asm__ volatile("movsl" : "+D"(to), "+S"(at) : : "memory");
        wrong += *(volatile uint32_t *)(WINDOW + 0x40) != *(const volatile uint32_t *)from;
    }
    check(id, wrong == 0, "%u of %u read what had been there", wrong, REMAPS);
}

/* By code of 32 and of 16 bits, without paging. */
static void tables_modes(void)
{
    static uint8_t before[PAGE_SIZE];
    const uint32_t pages[] = {(uint32_t)(uint64_t)normal, (uint32_t)table};

    memcpy(normal, (const void *)tables_page(), PAGE_SIZE);
    memcpy(before, normal, PAGE_SIZE);
    for (uint32_t i = 0; i < ARRAY_SIZE(pages); i++) {
        modes_prepare();
        modes_shared()->hook = (uint32_t)(uint64_t)writes_hook;
        modes_shared()->page = writes_page = pages[i];
        modes_round();
        modes_leave();
    }
    const int64_t byte = tables_differ(normal, (const void *)tables_page(), PAGE_SIZE);
    const int64_t done = tables_differ(normal, before, PAGE_SIZE);
    row("DM-11");
    check("modes", byte < 0 && done == 0x610 && normal[0x710] == 0x44,
          "byte 0x%lx differs, 0x%lx is the first written", byte, done);
}

static void tables_fill(void)
{
    volatile uint32_t *page = tables_page();

    for (uint32_t i = 0; i < PAGE_SIZE / 4; i++)
        page[i] = i * 0x01010101 | 1; /* masked */
    for (uint32_t i = 0; i < PAGE_SIZE; i++) {
        source[i] = (uint8_t)(i * 7 + 1);
        other_source[i] = (uint8_t)(i * 7 + 2);
    }
    row("DM-11");
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < PAGE_SIZE / 4; i++)
        wrong += page[i] != (i * 0x01010101 | 1);
    check("filled", wrong == 0, "%u words are not what was written", wrong);
}

static void tables_clear(void)
{
    volatile uint32_t *page = tables_page();

    for (uint32_t i = 0; i < PAGE_SIZE / 4; i++)
        page[i] = i % 4 == 3;
}

/* ---------------------------------------------------------------- several cores */

static _Atomic uint32_t go, come;

static void tables_increments(void)
{
    for (uint32_t i = 0; i < INCREMENTS; i++)
        __asm__ volatile("lock incl (%0)" : : "r"(WINDOW + 0x44) : "memory", "cc");
}

static void tables_work(uint32_t number)
{
    (void)number;
    while (atomic_load(&go) == 0)
        cpu_pause();
    tables_increments();
    atomic_fetch_add(&come, 1);
}

static void tables_cores(void)
{
    const uint32_t others = smp_expected() - 1;
    volatile uint32_t *count = (volatile uint32_t *)(WINDOW + 0x44);

    row("DM-13");
    smp_start(tables_work);
    const bool all = smp_wait(PATIENCE) == others + 1;
    *count = 0;
    atomic_store(&go, 1);
    tables_increments();
    for (uint32_t i = 0; i < 10000 && atomic_load(&come) != others; i++)
        spin_for(NS_PER_MS);
    check("cores-increment", all && *count == INCREMENTS * (others + 1), "%u of %u", *count,
          INCREMENTS * (others + 1));
}

void hostile_tables(void)
{
    if (!tables_find())
        fatal(1, "there is no table");
    x2apic_enable();
    write_cr4(read_cr4() | CR4_OSFXSR);
    irq_handle(VECTOR_IPI, tables_ipi);
    irq_handle(VECTOR_DB, tables_trap);
    irq_handle(VECTOR_PF, tables_fault);
    write_dr6(DR6_RESET);
    tables_fill();
    if (smp_expected() > 1) {
        tables_cores();
    } else {
        tables_all("quiet", false);
        tables_remap("remapped");
        tables_storm_begin();
        tables_all("storm", false);
        tables_remap("remapped-storm");
        tables_storm_end();
        ring3_init();
        tables_all("ring3", true);
        tables_modes();
    }
    tables_clear();
    if (pci_table_any() != 0)
        tables_device();
    irq_handle(VECTOR_DB, NULL);
    irq_handle(VECTOR_PF, NULL);
    write_cr4(read_cr4() & ~CR4_OSFXSR);
}
