/* SPDX-License-Identifier: MIT */
#include "vdev/vendor.h"

const struct vendor *vendor_of(enum policy_vendor vendor)
{
    static const struct vendor vendors[POLICY_COUNT] = {
        [POLICY_INTEL] = {&cpuid_intel, &msr_intel},
    };
    return &vendors[vendor];
}
