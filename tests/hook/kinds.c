/* SPDX-License-Identifier: MIT */
/*
 * kinds: a test build's hook (make HOOK=kinds). A machine with cores of several kinds: the one with
 * APIC id 1 lacks a feature that guests see, the one with APIC id 2 something that we rely on.
 */
#include "drivers/lapic.h"
#include "kernel/core/facts.h"
#include "lib/bits.h"

#define CPUID_1_ECX_AES BIT32(25)

void __real_facts_read(struct core_facts *facts);
void __wrap_facts_read(struct core_facts *facts);

void __wrap_facts_read(struct core_facts *facts)
{
    __real_facts_read(facts);
    if (lapic_id() == 2)
        facts->differs = "what this test takes away";
    for (uint32_t i = 0; i < facts->cpuid.count && lapic_id() == 1; i++)
        if (facts->cpuid.rows[i].leaf == 1)
            facts->cpuid.rows[i].ecx &= ~CPUID_1_ECX_AES;
}
