/* SPDX-License-Identifier: MIT */
/*
 * cpuid: what the guest is told fits what it has.
 */
#include "guests/hostile/hostile.h"
#include "guests/kit/bulkhead.h"
#include "guests/kit/smp.h"
#include "guests/kit/x2apic.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

#define BASE_KVM 0x40000100u

#define FEATURES_ALL                                                               \
    (BULKHEAD_FEATURE_CONSOLE | BULKHEAD_FEATURE_TIME | BULKHEAD_FEATURE_TIMER |   \
     BULKHEAD_FEATURE_POWER | BULKHEAD_FEATURE_WATCHDOG | BULKHEAD_FEATURE_CRASH | \
     BULKHEAD_FEATURE_LINK)

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
    check_equal("cpuid-kvm-features", cpuid(BASE_KVM + 1, 0).eax,
                1u << 15); /* 15 bits of APIC id */
}

static void cpuid_features(void)
{
    uint32_t ecx = cpuid(1, 0).ecx;
    uint32_t shown = HYPERVISOR | X2APIC;

    check_equal("cpuid-shown", ecx & shown, shown);
    /* Few AMD processors have it. */
    if (!hostile_on_amd())
        check_equal("cpuid-deadline", ecx & TSC_DEADLINE, TSC_DEADLINE);
    check_equal("cpuid-hidden", ecx & (VMX | SMX | MONITOR), 0);
    check_equal("cpuid-no-pmu", cpuid(0xa, 0).eax & 0xff, 0);
    check("cpuid-invariant-tsc", (cpuid(0x80000007, 0).edx & 1u << 8) != 0, "not shown");

    /* Intel's: an AMD processor has no such leaf. */
    struct cpuid_regs r = cpuid(0x15, 0);
    const bool whole = r.eax != 0 && r.ebx != 0 && r.ecx != 0;
    check("cpuid-crystal", hostile_on_amd() ? is_zero(r) : whole, "leaf 0x15: %u %u %u", r.eax,
          r.ebx, r.ecx);
    check("cpuid-none",
          is_zero(cpuid(0x40000050, 0)) && is_zero(cpuid(0x4fffffff, 0)) &&
              is_zero(cpuid(0x8fffffff, 0)) && is_zero(cpuid(0xffffffff, 0)),
          "a leaf that does not exist answers");
}

/* What a guest could do harm with or what no guest is given: leaf, subleaf, register, bits. */
static const struct {
    const char *id;
    uint32_t leaf, subleaf, reg, bits; /* reg: 0 EAX .. 3 EDX */
} hidden[] = {
    {"hidden-debug-store", 1, 0, 3, UINT32_C(1) << 21},
    {"hidden-dtes64-pdcm", 1, 0, 2, 1u << 2 | 1u << 4 | 1u << 15},
    {"hidden-machine-check", 1, 0, 3, 1u << 7 | 1u << 14},
    {"hidden-tsc-adjust-sgx", 7, 0, 1, 1u << 1 | 1u << 2},
    {"hidden-rdt", 7, 0, 1, 1u << 12 | 1u << 15},
    {"hidden-processor-trace", 7, 0, 1, 1u << 25},
    {"hidden-pku", 7, 0, 2, 1u << 3 | 1u << 4},
    {"hidden-waitpkg", 7, 0, 2, 1u << 5},
    {"hidden-cet", 7, 0, 2, 1u << 7},
    {"hidden-keylocker-enqcmd-pks", 7, 0, 2, 1u << 23 | 1u << 29 | UINT32_C(1) << 31},
    {"hidden-uintr-cet-ibt", 7, 0, 3, 1u << 5 | 1u << 20},
    {"hidden-speculation-control", 7, 0, 3, 0xec000000},
    {"hidden-lass-fred-lkgs", 7, 1, 0, 1u << 6 | 1u << 17 | 1u << 18},
    {"hidden-msrlist", 7, 1, 0, 1u << 27},
    {"hidden-power", 6, 0, 0, 0xfffffffb},
    {"hidden-xsaves", 0xd, 1, 0, 1u << 3},
    {"hidden-pmu", 0xa, 0, 0, ~UINT32_C(0)},
    {"hidden-rdt-allocation", 0x10, 0, 1, ~UINT32_C(0)},
    {"hidden-sgx-leaf", 0x12, 0, 0, ~UINT32_C(0)},
    {"hidden-trace-leaf", 0x14, 0, 1, ~UINT32_C(0)},
    {"hidden-keylocker-leaf", 0x19, 0, 1, ~UINT32_C(0)},
    {"hidden-lbr-leaf", 0x1c, 0, 0, ~UINT32_C(0)},
    {"hidden-svm", 0x80000001, 0, 2, 1u << 2},
};

#define SUBLEAVES 8

static bool cpuid_same(struct cpuid_regs a, struct cpuid_regs b)
{
    return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

/* Every leaf of every range, with subleaves that exist and some that do not: answers, the same
 * twice, and zero beyond the highest leaf of its range. */
static void cpuid_sweep(void)
{
    static const uint32_t bases[] = {0, 0x20000000, 0x40000000, 0x80000000, 0x80860000, 0xc0000000};
    uint32_t unstable = 0, beyond = 0;

    for (uint32_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        struct cpuid_regs r = cpuid(hidden[i].leaf, hidden[i].subleaf);
        const uint32_t *regs = &r.eax;
        check_equal(hidden[i].id, regs[hidden[i].reg] & hidden[i].bits, 0);
    }
    for (uint32_t b = 0; b < ARRAY_SIZE(bases); b++) {
        uint32_t highest = bases[b] == 0x40000000 ? 0x400001ff : cpuid(bases[b], 0).eax;
        for (uint32_t leaf = bases[b]; leaf < bases[b] + 0x200; leaf++) {
            for (uint32_t n = 0; n < SUBLEAVES; n++) {
                uint32_t subleaf = n < 6 ? n : (uint32_t)(rdtsc() * 0x9e3779b1u);
                struct cpuid_regs r = cpuid(leaf, subleaf);
                unstable += !cpuid_same(r, cpuid(leaf, subleaf));
                beyond += leaf > highest && !is_zero(r);
            }
        }
    }
    check("sweep-stable", unstable == 0, "%u leaves change", unstable);
    check("sweep-beyond", beyond == 0, "%u leaves beyond the highest answer", beyond);
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

void hostile_cpuid(void)
{
    row("ABI");
    cpuid_identity();
    row("PI-01");
    cpuid_features();
    cpuid_sweep();
    row("ABI");
    cpuid_topology();
    cpuid_osxsave();
}
