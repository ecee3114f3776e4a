/* SPDX-License-Identifier: MIT */
#include "kernel/core/facts.h"

#include "kernel/virt.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

/* SDM "CPUID—CPU Identification", leaves 07H (EDX bit 15) and 1AH. */
#define CPUID_7D_HYBRID BIT32(15)
#define INTEL_CORE      0x40
#define INTEL_ATOM      0x20

/* APM "Extended CPU Topology", Fn8000_0026. */
#define AMD_HETEROGENEOUS BIT32(30)
#define AMD_PERFORMANCE   0
#define AMD_EFFICIENCY    1

static enum core_kind facts_kind(void)
{
    const struct cpuid_regs amd = cpuid_leaf(0x80000026, 0);
    const uint32_t intel = cpuid_leaf(0x1a, 0).eax >> 24;
    const uint32_t type = amd.ebx >> 28;

    if (cpuid_leaf(7, 0).edx & CPUID_7D_HYBRID)
        return intel == INTEL_CORE   ? CORE_PERFORMANCE
               : intel == INTEL_ATOM ? CORE_EFFICIENCY
                                     : CORE_PLAIN;
    if (amd.eax & AMD_HETEROGENEOUS)
        return type == AMD_PERFORMANCE  ? CORE_PERFORMANCE
               : type == AMD_EFFICIENCY ? CORE_EFFICIENCY
                                        : CORE_PLAIN;
    return CORE_PLAIN;
}

void facts_read(struct core_facts *facts)
{
    struct vcpuid_host *host = &facts->cpuid;
    uint32_t leaf, subleaf;

    facts->differs = virt_core_differs();
    facts->kind = facts_kind();
    host->count = 0;
    while (vcpuid_host_wants(facts->policy, host->count, &leaf, &subleaf)) {
        const struct cpuid_regs r = cpuid_leaf(leaf, subleaf);

        ASSERT(host->count < VCPUID_HOST_MAX);
        host->rows[host->count++] = (struct cpuid_row){leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx};
    }
}
