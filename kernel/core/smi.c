/* SPDX-License-Identifier: MIT */
#include "kernel/core/smi.h"

#include "lib/x86/cpuid.h"
#include "lib/x86/msr.h"

void smi_begin(struct smi_count *count)
{
    uint64_t value = 0;

    count->is_there = cpuid_is_intel() && rdmsr_try(MSR_SMI_COUNT, &value);
    count->before = (uint32_t)value;
}

void smi_look(struct smi_count *count)
{
    uint64_t value;

    if (count->is_there && rdmsr_try(MSR_SMI_COUNT, &value))
        atomic_store_explicit(&count->seen, (uint32_t)value - count->before, memory_order_relaxed);
}
