/* SPDX-License-Identifier: MIT */
#include "kernel/core/cores.h"

#include "drivers/lapic.h"

struct cpu cpus[CORES_MAX];

void cores_kick(const struct cpu *cpu)
{
    lapic_send_nmi(cpu->apic_id);
}
