/* SPDX-License-Identifier: MIT */
#include "kernel/core/cores.h"

#include "drivers/lapic.h"

struct cpu cpus[CORES_MAX];

void cores_kick(struct cpu *cpu)
{
    atomic_fetch_add_explicit(&cpu->kicks, 1, memory_order_relaxed);
    lapic_send_nmi(cpu->apic_id);
}
