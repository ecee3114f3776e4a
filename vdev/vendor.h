/* SPDX-License-Identifier: MIT */
/*
 * vendor: the tables that say what a guest sees of the processor, by who made it. A new vendor is
 * two tables, a row in vendor.c and a number in lib/policy.h. Pure.
 */
#pragma once

#include "lib/policy.h"
#include "vdev/vcpuid_policy.h"

struct vendor {
    const struct vcpuid_policy *cpuid;
    const struct msr_policy *msrs;
    bool linux_needs_tsc_rate; /* on the command line: Linux looks into no leaf that has it */
    const char *linux_options; /* what else goes there, a space after each; NULL: nothing */
};

extern const struct vcpuid_policy cpuid_intel, cpuid_amd;
extern const struct msr_policy msr_intel, msr_amd;

const struct vendor *vendor_of(enum policy_vendor vendor);
