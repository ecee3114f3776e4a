/* SPDX-License-Identifier: MIT */
/*
 * facts: what one core says of itself. On a machine with two kinds of cores, or with different
 * microcode on two of them, the boot core's word does not hold for the others.
 */
#pragma once

#include "kernel/config/config.h"
#include "lib/types.h"
#include "vdev/vcpuid_policy.h"

struct core_facts {
    const struct vcpuid_policy *policy; /* which of its CPUID leaves to keep */
    const char *differs;                /* virt_core_differs() */
    enum core_kind kind;
    struct vcpuid_host cpuid;
};

/* Reads this core's, by facts->policy. After virt_probe() on the boot core, with a yes. */
void facts_read(struct core_facts *facts);
