/* SPDX-License-Identifier: MIT */
#include "kernel/core/cores.h"

#include "drivers/lapic.h"
#include "kernel/core/cpu_tables.h"

struct cpu cores_boot;
SEALED struct cpu *cpus[CORES_MAX];
SEALED uint32_t cores_made;
static SEALED struct cpu_tables cores_boot_tables;

void cores_begin(void)
{
    cores_boot.tables = &cores_boot_tables;
    cpus[0] = &cores_boot;
    cores_made = 1;
}

static uint64_t cores_pages(uint64_t count, size_t size)
{
    return (count * size + PAGE_SIZE - 1) / PAGE_SIZE;
}

bool cores_make(struct pages *pages, uint32_t count)
{
    const uint32_t others = count - 1;

    if (others == 0)
        return true;
    struct cpu *more = pages_get(pages, cores_pages(others, sizeof(*more)), PAGE_SIZE);
    struct cpu_tables *tables = pages_get_constant(pages, cores_pages(others, sizeof(*tables)));
    if (!more || !tables)
        return false;
    for (uint32_t i = 0; i < others; i++) {
        more[i].tables = &tables[i];
        cpus[1 + i] = &more[i];
    }
    cores_made = count;
    return true;
}

void cores_kick(struct cpu *cpu)
{
    atomic_fetch_add_explicit(&cpu->kicks, 1, memory_order_relaxed);
    lapic_send_nmi(cpu->apic_id);
}
