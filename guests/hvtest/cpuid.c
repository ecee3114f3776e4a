/* SPDX-License-Identifier: MIT */
/*
 * cpuid: what the guest is told fits what it has.
 */
#include "guests/hvtest/hvtest.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/smp.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define BASE_KVM 0x40000100u

#define FEATURES_ALL                                                             \
    (BULKHEAD_FEATURE_CONSOLE | BULKHEAD_FEATURE_TIME | BULKHEAD_FEATURE_TIMER | \
     BULKHEAD_FEATURE_POWER | BULKHEAD_FEATURE_WATCHDOG)

/* CPUID.1:ECX */
#define MONITOR      (UINT32_C(1) << 3)
#define VMX          (UINT32_C(1) << 5)
#define SMX          (UINT32_C(1) << 6)
#define X2APIC       (UINT32_C(1) << 21)
#define TSC_DEADLINE (UINT32_C(1) << 24)
#define XSAVE        (UINT32_C(1) << 26)
#define OSXSAVE      (UINT32_C(1) << 27)
#define HYPERVISOR   (UINT32_C(1) << 31)

static bool is_zero(struct cpuid_regs r)
{
    return (r.eax | r.ebx | r.ecx | r.edx) == 0;
}

static void cpuid_identity(void)
{
    struct cpuid_regs r = cpuid(BULKHEAD_CPUID_BASE, 0);

    check("cpuid-signature", bulkhead_present(), "0x%x 0x%x 0x%x", r.ebx, r.ecx, r.edx);
    check("cpuid-range", r.eax >= BULKHEAD_CPUID_TIME, "highest leaf is 0x%x", r.eax);
    r = cpuid(BULKHEAD_CPUID_FEATURES, 0);
    check_equal("cpuid-abi", r.eax, BULKHEAD_ABI_VERSION);
    check_equal("cpuid-features", r.ebx & FEATURES_ALL, FEATURES_ALL);
    r = cpuid(BULKHEAD_CPUID_TIME, 0);
    check("cpuid-rates", r.eax != 0 && r.ebx != 0, "TSC %u kHz, APIC timer %u kHz", r.eax, r.ebx);

    r = cpuid(BASE_KVM, 0);
    check("cpuid-kvm", r.ebx == 0x4b4d564b && r.ecx == 0x564b4d56 && r.edx == 0x4d,
          "0x%x 0x%x 0x%x", r.ebx, r.ecx, r.edx);
    check_equal("cpuid-kvm-features", cpuid(BASE_KVM + 1, 0).eax, 0);
}

static void cpuid_features(void)
{
    uint32_t ecx = cpuid(1, 0).ecx;
    uint32_t shown = HYPERVISOR | X2APIC | TSC_DEADLINE;

    check_equal("cpuid-shown", ecx & shown, shown);
    check_equal("cpuid-hidden", ecx & (VMX | SMX | MONITOR), 0);
    check_equal("cpuid-no-pmu", cpuid(0xa, 0).eax & 0xff, 0);
    check("cpuid-invariant-tsc", (cpuid(0x80000007, 0).edx & 1u << 8) != 0, "not shown");

    struct cpuid_regs r = cpuid(0x15, 0);
    check("cpuid-crystal", r.eax != 0 && r.ebx != 0 && r.ecx != 0, "leaf 0x15: %u %u %u", r.eax,
          r.ebx, r.ecx);
    check("cpuid-none",
          is_zero(cpuid(0x40000050, 0)) && is_zero(cpuid(0x4fffffff, 0)) &&
              is_zero(cpuid(0x8fffffff, 0)) && is_zero(cpuid(0xffffffff, 0)),
          "a leaf that does not exist answers");
}

static void cpuid_topology(void)
{
    uint32_t id = x2apic_id();

    check_equal("cpuid-apic-id", cpuid(1, 0).ebx >> 24, id & 0xff);
    check_equal("cpuid-x2apic-id", cpuid(0xb, 0).edx, id);
    check("cpuid-cores", smp_expected() >= 1 && smp_expected() <= SMP_CORES_MAX, "%u",
          smp_expected());
}

/* OSXSAVE is CR4's bit seen through CPUID. */
static void cpuid_osxsave(void)
{
    uint64_t cr4 = read_cr4();

    if ((cpuid(1, 0).ecx & XSAVE) == 0)
        return;
    bool before = (cpuid(1, 0).ecx & OSXSAVE) != 0;
    write_cr4(cr4 | CR4_OSXSAVE);
    bool during = (cpuid(1, 0).ecx & OSXSAVE) != 0;
    write_cr4(cr4);
    bool after = (cpuid(1, 0).ecx & OSXSAVE) != 0;
    check("cpuid-osxsave", !before && during && !after, "%d %d %d", before, during, after);
}

void hvtest_cpuid(void)
{
    cpuid_identity();
    cpuid_features();
    cpuid_topology();
    cpuid_osxsave();
}
