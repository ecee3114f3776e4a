/* SPDX-License-Identifier: MIT */
#include "kernel/start/smp.h"

#include "drivers/lapic.h"
#include "kernel/core/cpu.h"
#include "kernel/vm/vcpu.h"
#include "lib/assert.h"
#include "lib/log.h"
#include "lib/string.h"
#include "lib/x86/insn.h"

#define ANSWER_TIMEOUT_US UINT32_C(1000000)
#define POLL_US           UINT32_C(50)

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
    const struct host_core *core = &cpus[0].host;

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

bool smp_start_core(uint32_t id, hpa_t page, const struct tsc *tsc)
{
    struct cpu *cpu = &cpus[id];

    smp_tsc = tsc;
    smp_next = cpu;
    lapic_start_core(cpu->apic_id, page, smp_delay_us);
    if (smp_await(cpu, CPU_ABSENT))
        return true;
    /* Else it might still wake up some day, as the core that is started then. */
    lapic_init_core(cpu->apic_id);
    smp_delay_us(LAPIC_INIT_US);
    atomic_store(&cpu->stage, CPU_ABSENT);
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
    smp_turn_on(&cpus[0]);
    for (uint32_t id = 1; id < count; id++) {
        atomic_store(&cpus[id].wake, 1);
        cores_kick(&cpus[id]);
    }
    for (uint32_t id = 0; id < count; id++) {
        if (!smp_await(&cpus[id], CPU_STARTED) || atomic_load(&cpus[id].stage) != CPU_VIRT_ON) {
            log_line("core #%u (APIC id %u) could not turn on virtualisation", id,
                     cpus[id].apic_id);
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
    host_core_enter(&cpu->host);
    cpu_setup(cpu);
    (void)lapic_init(); /* the boot core knows already whether this machine has x2APIC */
    smp_set_stage(cpu, CPU_STARTED);
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
