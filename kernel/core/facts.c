/* SPDX-License-Identifier: MIT */
#include "kernel/core/facts.h"

#include "kernel/virt.h"
#include "lib/assert.h"
#include "lib/x86/insn.h"

#define LEAF_FIRST(leaf) ((leaf) < LEAF_EXTENDED ? 0 : LEAF_EXTENDED)

void facts_read(struct core_facts *facts)
{
    struct vcpuid_host *host = &facts->cpuid;
    uint32_t leaf, subleaf;

    facts->differs = virt_core_differs();
    host->count = 0;
    while (vcpuid_host_wants(facts->policy, host->count, &leaf, &subleaf)) {
        struct cpuid_regs r = {0};

        ASSERT(host->count < VCPUID_HOST_MAX);
        if (leaf <= cpuid(LEAF_FIRST(leaf), 0).eax)
            r = cpuid(leaf, subleaf);
        host->rows[host->count++] = (struct cpuid_row){leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx};
    }
}
