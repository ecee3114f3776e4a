/* SPDX-License-Identifier: MIT */
#include "kernel/core/facts.h"

#include "kernel/virt.h"
#include "lib/assert.h"
#include "lib/x86/cpuid.h"
#include "lib/x86/insn.h"

void facts_read(struct core_facts *facts)
{
    struct vcpuid_host *host = &facts->cpuid;
    uint32_t leaf, subleaf;

    facts->differs = virt_core_differs();
    host->count = 0;
    while (vcpuid_host_wants(facts->policy, host->count, &leaf, &subleaf)) {
        const struct cpuid_regs r = cpuid_leaf(leaf, subleaf);

        ASSERT(host->count < VCPUID_HOST_MAX);
        host->rows[host->count++] = (struct cpuid_row){leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx};
    }
}
