/* SPDX-License-Identifier: MIT */
#include "vdev/vendor.h"

const struct vendor *vendor_of(enum policy_vendor vendor)
{
    static const struct vendor vendors[POLICY_COUNT] = {
        [POLICY_INTEL] = {.cpuid = &cpuid_intel, .msrs = &msr_intel},
        [POLICY_AMD] = {.cpuid = &cpuid_amd, .msrs = &msr_amd, .linux_needs_tsc_rate = true},
    };
    return &vendors[vendor];
}
