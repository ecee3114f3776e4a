/* SPDX-License-Identifier: MIT */
#include "vdev/vendor.h"

const struct vendor *vendor_of(enum policy_vendor vendor)
{
    static const struct vendor vendors[POLICY_COUNT] = {
        [POLICY_INTEL] = {.cpuid = &cpuid_intel, .msrs = &msr_intel},
        /* The watchdog would compare the TSC with the guest's own ticks, and believe those. From
         * 6.16 on, the initcall reads the chipset's reset status at 0xfed803c0. */
        [POLICY_AMD] = {.cpuid = &cpuid_amd,
                        .msrs = &msr_amd,
                        .linux_needs_tsc_rate = true,
                        .linux_options = "tsc=nowatchdog "
                                         "initcall_blacklist=print_s5_reset_status_mmio "},
    };
    return &vendors[vendor];
}
