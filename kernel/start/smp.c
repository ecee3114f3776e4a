/* SPDX-License-Identifier: MIT */
#include "kernel/start/smp.h"

#include "drivers/lapic.h"
#include "kernel/core/cpu.h"
#include "kernel/core/facts.h"
#include "kernel/vm/vcpu.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"
#include "lib/x86/msr.h"

#define ANSWER_TIMEOUT_US UINT32_C(1000000)
#define POLL_US           UINT32_C(50)
#define EXCHANGES         UINT32_C(16) /* of TSC readings: the closest one counts */

#define FEATURES_TSC_ADJUST BIT32(1) /* CPUID.(7,0):EBX */

/* kernel/start/trampoline.asm */
extern const uint8_t trampoline_start[], trampoline_end[];
extern const uint8_t trampoline_cr3[], trampoline_target[];
extern const uint16_t trampoline_fixups[], trampoline_fixups_end[];

/* kernel/start/entry.asm */
void entry_core(void);

/* The core that is being started: entry.asm reads it. */
extern struct cpu *smp_next;
SEALED struct cpu *smp_next;

static SEALED const struct tsc *smp_tsc;

/* Between the boot core and the one that is being started. */
static SEALED struct {
    uint32_t thermal;                 /* the boot core's: lapic_thermal() */
    bool has_adjust;                  /* the boot core */
    uint64_t adjust, adjust_was;      /* IA32_TSC_ADJUST: the boot core's, and what the other had */
    uint64_t answer;                  /* the other's TSC; written before `answered` */
    _Atomic uint32_t asked, answered; /* the exchange's number, 1..EXCHANGES */
} smp_talk;

static void smp_delay_us(uint32_t us)
{
    tsc_delay_us(smp_tsc, us);
}

static void smp_patch(uint8_t *page, const uint8_t *where, const void *value, size_t size)
{
    memcpy(page + (where - trampoline_start), value, size);
}

void smp_prepare(hpa_t page, hpa_t root)
{
    uint8_t *to = (uint8_t *)(uintptr_t)page.v;
    const uint64_t target = (uintptr_t)entry_core;
    const uint32_t cr3 = (uint32_t)root.v;

    ASSERT(root.v == cr3 && page.v < MIB);
    memcpy(to, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    for (const uint16_t *f = trampoline_fixups; f < trampoline_fixups_end; f++) {
        uint32_t value;
        memcpy(&value, to + *f, sizeof(value));
        value += (uint32_t)page.v;
        memcpy(to + *f, &value, sizeof(value));
    }
    smp_patch(to, trampoline_cr3, &cr3, sizeof(cr3));
    smp_patch(to, trampoline_target, &target, sizeof(target));
}

void smp_retire(hpa_t page)
{
    static const uint8_t park[] = {0xfa, 0xf4, 0xeb, 0xfd}; /* cli; hlt; jmp to the hlt */
    const struct host_core *core = &cpus[0]->host;

    memcpy(host_window(core, page), park, sizeof(park));
    host_window_close(core);
}

/* Waits until the core's stage is no longer `from`. */
static bool smp_await(const struct cpu *cpu, uint32_t from)
{
    for (uint32_t us = 0; us < ANSWER_TIMEOUT_US; us += POLL_US) {
        if (atomic_load_explicit(&cpu->stage, memory_order_acquire) != from)
            return true;
        smp_delay_us(POLL_US);
    }
    return false;
}

/* ------------------------------------------------------------------ before the first guest */

static bool smp_has_tsc_adjust(void)
{
    return (cpuid_leaf(7, 0).ebx & FEATURES_TSC_ADJUST) != 0;
}

/* On the boot core: what the other is to be like. */
static void smp_offer(void)
{
    smp_talk.thermal = lapic_thermal();
    smp_talk.has_adjust = smp_has_tsc_adjust();
    smp_talk.adjust = smp_talk.has_adjust ? rdmsr(MSR_TSC_ADJUST) : 0;
    smp_talk.adjust_was = smp_talk.adjust;
    atomic_store(&smp_talk.asked, 0);
    atomic_store(&smp_talk.answered, 0);
}

/* On the other. An INIT has cleared its APIC; firmware that wrote one TSC and not the other, or
 * both one after the other, has left different offsets. SDM "IA32_TSC_ADJUST MSR". */
static void smp_become_alike(void)
{
    if (smp_talk.thermal != 0)
        lapic_set_thermal(smp_talk.thermal);
    if (!smp_talk.has_adjust || !smp_has_tsc_adjust())
        return;
    smp_talk.adjust_was = rdmsr(MSR_TSC_ADJUST);
    if (smp_talk.adjust_was != smp_talk.adjust)
        wrmsr(MSR_TSC_ADJUST, smp_talk.adjust);
}

/* RDTSC, neither before what comes before nor after what comes after. */
static uint64_t smp_read_tsc(void)
{
    mfence_lfence();
    const uint64_t now = rdtsc();
    mfence_lfence();
    return now;
}

/* On the other core. The boot core asks all questions, or holds this one in INIT. */
static void smp_answer(void)
{
    for (uint32_t n = 1; n <= EXCHANGES; n++) {
        while (atomic_load_explicit(&smp_talk.asked, memory_order_acquire) != n)
            cpu_pause();
        smp_talk.answer = smp_read_tsc();
        atomic_store_explicit(&smp_talk.answered, n, memory_order_release);
    }
}

/* On the boot core. False: the other has fallen silent. */
static bool smp_compare(const struct tsc *tsc, struct skew *skew)
{
    struct skew_exchange exchanges[EXCHANGES];

    for (uint32_t n = 1; n <= EXCHANGES; n++) {
        struct skew_exchange *e = &exchanges[n - 1];

        e->asked = smp_read_tsc();
        atomic_store_explicit(&smp_talk.asked, n, memory_order_release);
        while (atomic_load_explicit(&smp_talk.answered, memory_order_acquire) != n) {
            if (ticks_since(rdtsc(), e->asked) > tsc->hz)
                return false;
            cpu_pause();
        }
        e->answer = smp_talk.answer;
        e->heard = smp_read_tsc();
    }
    *skew = skew_bound(exchanges, EXCHANGES);
    return true;
}

void smp_drop_core(uint32_t id)
{
    lapic_init_core(cpus[id]->apic_id);
    smp_delay_us(LAPIC_INIT_US);
    atomic_store(&cpus[id]->stage, CPU_ABSENT);
}

bool smp_start_core(uint32_t id, hpa_t page, const struct tsc *tsc, struct skew *skew)
{
    struct cpu *cpu = cpus[id];

    smp_tsc = tsc;
    smp_next = cpu;
    smp_offer();
    lapic_start_core(cpu->apic_id, page, smp_delay_us);
    if (smp_await(cpu, CPU_ABSENT) && smp_compare(tsc, skew)) {
        if (smp_talk.adjust_was != smp_talk.adjust)
            log_line("core #%u (APIC id %u): IA32_TSC_ADJUST was 0x%llx, is now 0x%llx, as on "
                     "core #0",
                     id, cpu->apic_id, (unsigned long long)smp_talk.adjust_was,
                     (unsigned long long)smp_talk.adjust);
        return true;
    }
    smp_drop_core(id); /* else it might still wake up some day, as the core that is started then */
    return false;
}

static void smp_set_stage(struct cpu *cpu, enum cpu_stage stage)
{
    atomic_store_explicit(&cpu->stage, (uint32_t)stage, memory_order_release);
}

static void smp_turn_on(struct cpu *cpu)
{
    smp_set_stage(cpu, virt_cpu_on(cpu->virt_region) == OK ? CPU_VIRT_ON : CPU_VIRT_FAILED);
}

bool smp_virt_on(uint32_t count, const struct tsc *tsc)
{
    bool all = true;

    smp_tsc = tsc;
    smp_turn_on(cpus[0]);
    for (uint32_t id = 1; id < count; id++) {
        atomic_store(&cpus[id]->wake, 1);
        cores_kick(cpus[id]);
    }
    for (uint32_t id = 0; id < count; id++) {
        if (!smp_await(cpus[id], CPU_STARTED) || atomic_load(&cpus[id]->stage) != CPU_VIRT_ON) {
            log_line("core #%u (APIC id %u) could not turn on virtualisation", id,
                     cpus[id]->apic_id);
            all = false;
        }
    }
    return all;
}

/* Sleeps until another core sets cpu->wake. */
static void smp_sleep(struct cpu *cpu)
{
    while (!atomic_load(&cpu->wake))
        cpu_wait(&cpu->wake);
    atomic_store(&cpu->wake, 0);
}

void smp_core_main(struct cpu *cpu)
{
    cpu_setup_early(cpu);
    host_core_enter(&cpu->host);
    cpu_setup(cpu);
    (void)lapic_init(); /* the boot core knows already whether this machine has x2APIC */
    smp_become_alike();
    if (cpu->facts)
        facts_read(cpu->facts);
    smp_set_stage(cpu, CPU_STARTED);
    smp_answer();
    smp_sleep(cpu);
    smp_turn_on(cpu);
    smp_sleep(cpu);
    host_flush_tlb(); /* what was sealed meanwhile (address_space_seal()) is so here too */
    for (;;) {
        if (cpu->vcpu)
            vcpu_loop(cpu->vcpu);
        else
            smp_sleep(cpu); /* no guest wanted this core */
    }
}
