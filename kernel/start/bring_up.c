/* SPDX-License-Identifier: MIT */
#include "kernel/start/bring_up.h"

#include "drivers/lapic.h"
#include "kernel/core/canary.h"
#include "kernel/core/cores.h"
#include "kernel/core/facts.h"
#include "kernel/start/smp.h"
#include "lib/bits.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/time.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

#define FACTS_PAGES ((sizeof(struct core_facts) + PAGE_SIZE - 1) / PAGE_SIZE)

/* One more core answered. */
static void bring_up_add(struct start_state *start, uint32_t apic_id)
{
    const uint32_t id = start->machine.core_count++;

    start->machine.apic_ids[id] = apic_id;
    start->machine.nodes[id] = acpi_node_of(&start->acpi, apic_id);
    if (cpus[id]->facts)
        start->machine.kinds[id] = (uint8_t)cpus[id]->facts->kind;
}

static bool bring_up_prepare(struct start_state *start, uint32_t id, uint32_t apic_id)
{
    struct cpu *cpu = cpus[id];

    cpu->id = id;
    cpu->apic_id = apic_id;
    if (id != 0)
        cpu->canary = canary_make();
    cpu->virt_region = pages_get(&start->pages, 1, PAGE_SIZE);
    if (start->cpuid) {
        cpu->facts = pages_get(&start->pages, FACTS_PAGES, PAGE_SIZE);
        if (!cpu->facts)
            return false;
        cpu->facts->policy = start->cpuid;
    }
    return cpu->virt_region &&
           (id == 0 || host_core_create(&cpu->host, &start->map, &start->pages) == OK);
}

/* How many low bits of an APIC id count the threads of a core. SDM "CPUID—CPU Identification",
 * leaves 1FH and 0BH. Processors keep bits for threads that they do not have: what counts is that
 * this core, of the kind that boots where there are two, has more than one (EBX). */
static uint32_t bring_up_thread_bits(void)
{
    const uint32_t smt = 1; /* level type, in ECX */

    for (uint32_t i = 0; i < 2; i++) {
        const struct cpuid_regs r = cpuid_leaf(i == 0 ? 0x1f : 0x0b, 0);
        if (r.ebx != 0)
            return (r.ecx >> 8 & 0xff) == smt && (r.ebx & 0xffff) > 1 ? r.eax & 0x1f : 0;
    }
    return 0;
}

/* All at once, so that they take their time together. */
static void bring_up_init_all(const struct start_state *start, uint32_t self)
{
    uint32_t others = 0;

    for (uint32_t i = 0; i < start->acpi.core_count && start->low_page.v; i++) {
        if (start->acpi.cores[i].apic_id == self)
            continue;
        lapic_init_core(start->acpi.cores[i].apic_id);
        others++;
    }
    if (others)
        tsc_delay_us(&start->tsc, LAPIC_INIT_US);
}

/* What differs by less is within the time that a message between cores takes. */
#define SKEW_LIMIT_NS NS_PER_US

static void bring_up_judge_tsc(struct start_state *start, uint32_t id, struct skew skew)
{
    const struct time_scale *scale = &start->tsc.scale;

    start->worst_skew = max_u64(start->worst_skew, skew_worst(skew));
    if (!skew_apart(skew, time_to_ticks(scale, SKEW_LIMIT_NS)))
        return;
    log_line("core #%u: its TSC is %llu ns %s core #0's or more: no guest can have several cores",
             id,
             (unsigned long long)time_to_ns(scale, skew.low > 0 ? (uint64_t)skew.low
                                                                : -(uint64_t)skew.high),
             skew.low > 0 ? "ahead of" : "behind");
    if (start->machine.tsc_apart == 0)
        start->machine.tsc_apart = id;
}

static void bring_up_print(const struct start_state *start)
{
    const uint32_t listed = start->acpi.core_count ? start->acpi.core_count : 1;
    char apic[48] = "no x2APIC";

    if (start->x2apic)
        fmt_print(apic, sizeof(apic), "x2APIC (timer %llu kHz%s)",
                  (unsigned long long)(start->timer.hz / 1000),
                  start->timer.has_deadline ? "" : ", no TSC deadline");
    log_line("%u of %u core%s answer%s, %s, TSC %llu kHz (%s)", start->machine.core_count, listed,
             fmt_plural(listed), start->machine.core_count == 1 ? "s" : "", apic,
             (unsigned long long)(start->tsc.hz / 1000), start->tsc.source);
    if (start->machine.core_count > 1)
        log_line("TSCs: at most %llu ns between core #0 and any other",
                 (unsigned long long)time_to_ns(&start->tsc.scale, start->worst_skew));
    if (lapic_thermal() != 0)
        log_line("thermal sensor: the firmware's SMI is kept, on all cores");
}

/* What the firmware takes from all cores, whoever they belong to. */
static void bring_up_print_smis(const struct start_state *start)
{
    struct smi_count *smis = &cpus[0]->smis;
    const uint64_t ticks = ticks_since(rdtsc(), start->stamps[BOOT_STAMP_EXIT]);

    smi_look(smis);
    if (smis->is_there)
        log_line("SMIs: %u in the last %llu ms, %u before", atomic_load(&smis->seen),
                 (unsigned long long)(time_to_ns(&start->tsc.scale, ticks) / NS_PER_MS),
                 smis->before);
}

bool bring_up_cores(struct start_state *start)
{
    const uint32_t self = lapic_id();
    /* One more than are listed: the boot core may be missing in the list. */
    const uint32_t most = (uint32_t)min_u64(start->acpi.core_count + UINT64_C(1), CORES_MAX);
    bool room = cores_make(&start->pages, most) && bring_up_prepare(start, 0, self);

    if (!room) {
        log_line("no memory for the boot core, APIC id %u", self);
        return false;
    }
    if (cpus[0]->facts)
        facts_read(cpus[0]->facts);
    start->machine.thread_bits = bring_up_thread_bits();
    bring_up_add(start, self);
    bring_up_init_all(start, self);
    for (uint32_t i = 0; i < start->acpi.core_count && room; i++) {
        const uint32_t apic_id = start->acpi.cores[i].apic_id;
        const uint32_t id = start->machine.core_count;

        if (apic_id == self)
            continue;
        if (id == CORES_MAX || !start->low_page.v) {
            log_line("core with APIC id %u is not used: %s", apic_id,
                     id == CORES_MAX ? "there are too many" : "no free page below 1 MiB");
            continue;
        }
        room = bring_up_prepare(start, id, apic_id);
        if (!room) {
            log_line("no memory for the core with APIC id %u and those after it", apic_id);
            break;
        }
        struct skew skew;
        if (!smp_start_core(id, start->low_page, &start->tsc, &skew)) {
            log_line("core with APIC id %u does not answer: it is not used", apic_id);
            continue;
        }
        if (cpus[id]->facts && cpus[id]->facts->differs) {
            log_line("core with APIC id %u differs from the boot core in %s: it is not used",
                     apic_id, cpus[id]->facts->differs);
            smp_drop_core(id);
            continue;
        }
        bring_up_add(start, apic_id);
        bring_up_judge_tsc(start, id, skew);
    }
    bring_up_print(start);
    bring_up_print_smis(start);
    return true;
}
