/* SPDX-License-Identifier: MIT */
/*
 * msr: an MSR that is not opened for guests is #GP, both ways; those that are hold to their rules.
 */
#include "lib/x86/msr.h"

#include "guests/hostile/hostile.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

/* Not a guest's, or none at all, and at the edges of the hardware's bitmap: first and last of
 * each range. SDM "Model-Specific Registers (MSRs)". */
static const struct {
    const char *row, *id;
    uint32_t first, last;
} closed[] = {
    {"MS-04", "msr-0x1fff", 0x1fff, 0x2000},
    {"MS-04", "msr-0xbfffffff", 0xbfffffff, 0xbfffffff},
    {"MS-04", "msr-0xc0000000", 0xc0000000, 0xc000007f},
    {"MS-04", "msr-0xc0001fff", 0xc0001fff, 0xc0002000},
    {"MS-04", "msr-0x40000000", 0x40000000, 0x400000ff},
    {"MS-04", "msr-kvm-clock", 0x4b564d00, 0x4b564d08},
    {"MS-04", "msr-svm-hsave", 0xc0010117, 0xc0010117},
    {"MS-04", "msr-0xffffffff", 0xffffffff, 0xffffffff},
    {"MS-07", "msr-microcode-load", 0x79, 0x7a},
    {"MS-12", "msr-pmc", 0xc1, 0xc8},
    {"MS-12", "msr-evtsel", 0x186, 0x18d},
    {"MS-12", "msr-fixed-counters", 0x309, 0x30c},
    {"MS-12", "msr-perf-metrics", 0x329, 0x329},
    {"MS-12", "msr-perf-capabilities", 0x345, 0x345},
    {"MS-12", "msr-perf-global", 0x38d, 0x392},
    {"MS-12", "msr-pebs", 0x3f1, 0x3f7},
    {"MS-12", "msr-pmc-full-width", 0x4c1, 0x4c8},
    {"MS-12", "msr-ds-area", 0x600, 0x600},
    {"MS-13", "msr-processor-trace", 0x560, 0x58f},
    {"MS-14", "msr-lbr", 0x1c8, 0x1c9},
    {"MS-14", "msr-last-branch", 0x1db, 0x1de},
    {"MS-14", "msr-lbr-from", 0x680, 0x69f},
    {"MS-14", "msr-lbr-to", 0x6c0, 0x6df},
    {"MS-14", "msr-lbr-arch", 0x14ce, 0x14cf},
    {"MS-14", "msr-lbr-arch-info", 0x1200, 0x121f},
    {"MS-14", "msr-lbr-info", 0xdc0, 0xddf},
    {"MS-17", "msr-tsc-adjust", 0x3b, 0x3b},
    {"MS-22", "msr-voltage", 0x150, 0x150},
    {"MS-22", "msr-perf-ctl", 0x198, 0x19d},
    {"MS-22", "msr-energy-bias", 0x1b0, 0x1b2},
    {"MS-22", "msr-power-ctl", 0x1fc, 0x1fc},
    {"MS-22", "msr-cstates", 0xe2, 0xe4},
    {"MS-22", "msr-turbo", 0x1a2, 0x1ad},
    {"MS-22", "msr-rapl", 0x606, 0x641},
    {"MS-22", "msr-uncore-ratio", 0x620, 0x621},
    {"MS-22", "msr-hwp", 0x770, 0x777},
    {"MS-23", "msr-cat", 0xc81, 0xc8f},
    {"MS-23", "msr-cat-masks", 0xc90, 0xd8f},
    {"MS-24", "msr-smm", 0x9b, 0x9e},
    {"MS-24", "msr-smrr", 0x1f2, 0x1f3},
    {"MS-24", "msr-smm-feature", 0x4e0, 0x4e0},
    {"MS-24", "msr-sgx", 0x8c, 0x8f},
    {"MS-24", "msr-sgx-owner", 0x300, 0x301},
    {"MS-27", "msr-cet", 0x6a0, 0x6a8},
    {"MS-27", "msr-xss", 0xda0, 0xda0},
    {"X-01", "msr-speculation", 0x48, 0x49},
    {"X-01", "msr-flush-l1d", 0x10a, 0x10b},
    {"X-01", "msr-tsx", 0x122, 0x123},
    {"X-01", "msr-bus-lock", 0x33, 0x33},
    {"X-01", "msr-core-capabilities", 0xcf, 0xcf},
    {"X-01", "msr-umwait", 0xe1, 0xe1},
    {"X-01", "msr-machine-check", 0x17a, 0x17b},
    {"X-01", "msr-machine-check-2", 0x280, 0x29f},
    {"X-01", "msr-machine-check-banks", 0x400, 0x47f},
    {"X-01", "msr-vmx", 0x480, 0x4bf},
    {"X-01", "msr-protected-numbers", 0x4e, 0x4f},
    {"X-01", "msr-debug-interface", 0xc80, 0xc80},
    {"X-01", "msr-uintr", 0x985, 0x98a},
    {"X-01", "msr-key-locker", 0x990, 0x991},
    {"X-01", "msr-fred", 0x1cc, 0x1d4},
    {"X-01", "msr-hardware-feedback", 0x17d0, 0x17d4},
    /* AMD's. APM appendix "MSR Cross-Reference". */
    {"MS-12", "msr-amd-counters", 0xc0010000, 0xc0010007},
    {"MS-12", "msr-amd-counters-extended", 0xc0010200, 0xc001020b},
    {"MS-12", "msr-amd-ibs", 0xc0011030, 0xc001103d},
    {"MS-14", "msr-amd-branch-records", 0xc0010300, 0xc001031f},
    {"MS-17", "msr-amd-tsc-ratio", 0xc0000104, 0xc0000104},
    {"MS-22", "msr-amd-p-states", 0xc0010061, 0xc001006b},
    {"MS-22", "msr-amd-cppc", 0xc00102b0, 0xc00102b4},
    {"MS-22", "msr-amd-rapl", 0xc0010299, 0xc001029b},
    {"MS-24", "msr-amd-smm", 0xc0010111, 0xc0010113},
    {"MS-24", "msr-amd-encryption", 0xc0010130, 0xc0010131},
    {"X-01", "msr-amd-io-ranges", 0xc0010016, 0xc0010019},
    {"X-01", "msr-amd-svm", 0xc0010114, 0xc0010118},
    {"X-01", "msr-amd-errata", 0xc0010140, 0xc0010141},
    {"X-01", "msr-amd-cpuid", 0xc0011002, 0xc0011005},
    {"X-01", "msr-amd-breakpoint-masks", 0xc0011019, 0xc001101b},
    {"X-01", "msr-amd-load-store", 0xc0011020, 0xc0011023},
};

static bool msr_is_closed(uint32_t index)
{
    uint64_t value;

    return fault_is(try_rdmsr(index, &value), VECTOR_GP) &&
           fault_is(try_wrmsr(index, 0), VECTOR_GP) &&
           fault_is(try_wrmsr(index, ~UINT64_C(0)), VECTOR_GP);
}

static void msr_closed(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(closed); i++) {
        uint32_t index = closed[i].first;

        while (msr_is_closed(index) && index != closed[i].last)
            index++;
        row(closed[i].row);
        check(closed[i].id, index == closed[i].last && msr_is_closed(index),
              "MSR 0x%x is not #GP in all ways", index);
    }
}

static void msr_apic_base(void)
{
    uint64_t want = 0xfee00000 | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP;
    uint64_t value = 0;

    row("MS-25"); /* nobody leaves x2APIC mode, so there is no other mode to abuse */
    check_no_fault("msr-apic-base", try_rdmsr(MSR_APIC_BASE, &value));
    check_equal("msr-apic-base-value", value, want);
    check_no_fault("msr-apic-base-same", try_wrmsr(MSR_APIC_BASE, value));
    check_fault("msr-apic-base-xapic", try_wrmsr(MSR_APIC_BASE, value & ~APIC_BASE_X2APIC),
                VECTOR_GP);
    check_fault("msr-apic-base-off",
                try_wrmsr(MSR_APIC_BASE, value & ~(APIC_BASE_X2APIC | APIC_BASE_ENABLE)),
                VECTOR_GP);
    check_fault("msr-apic-base-moved", try_wrmsr(MSR_APIC_BASE, value ^ 0x1000), VECTOR_GP);
    check_fault("msr-apic-base-bsp", try_wrmsr(MSR_APIC_BASE, value ^ APIC_BASE_BSP), VECTOR_GP);

    /* Only ECX, EAX and EDX count; what is in the upper halves is not part of it. */
    uint64_t rax = ~UINT64_C(0), rdx = ~UINT64_C(0);
    row("MS-29");
    __asm__ volatile("rdmsr" : "+a"(rax), "+d"(rdx) : "c"(UINT64_C(0xffff) << 48 | MSR_APIC_BASE));
    check_equal("msr-upper-rcx", rax, want);
    check_equal("msr-upper-rdx", rdx, 0);
    const uint64_t dirt = UINT64_C(0xdeadbeef) << 32;
    __asm__ volatile("wrmsr" : : "a"(dirt | (uint32_t)want), "d"(dirt), "c"(dirt | MSR_APIC_BASE));
    check_no_fault("msr-upper-written", try_rdmsr(MSR_APIC_BASE, &value));
    check_equal("msr-upper-kept", value, want);
    __asm__ volatile("wrmsr" : : "a"(dirt | 0x50), "d"(dirt), "c"(dirt | MSR_X2APIC_TPR));
    check_equal("msr-upper-direct", rdmsr(MSR_X2APIC_TPR), 0x50);
    wrmsr(MSR_X2APIC_TPR, 0);
}

static void msr_firmware(void)
{
    uint64_t value = 0, before = 0;

    row("MS-07");
    check_no_fault("msr-revision", try_rdmsr(MSR_UCODE_REV, &before));
    check_no_fault("msr-revision-write", try_wrmsr(MSR_UCODE_REV, 0));
    check_equal("msr-revision-kept", rdmsr(MSR_UCODE_REV), before);

    row("MS-05");
    if (hostile_on_amd()) { /* these are Intel's */
        check("msr-feature-control", msr_is_closed(MSR_FEATURE_CONTROL), "not #GP in all ways");
        row("X-01");
        check("msr-misc-enable", msr_is_closed(MSR_MISC_ENABLE), "not #GP in all ways");
        check("msr-platform-id", msr_is_closed(MSR_PLATFORM_ID), "not #GP in all ways");
        return;
    }
    check_no_fault("msr-feature-control", try_rdmsr(MSR_FEATURE_CONTROL, &value));
    check_equal("msr-feature-control-value", value, FEATURE_CONTROL_LOCK);
    check_fault("msr-feature-control-write",
                try_wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX),
                VECTOR_GP);
    check_fault("msr-feature-control-zero", try_wrmsr(MSR_FEATURE_CONTROL, 0), VECTOR_GP);

    row("ABI");
    check_no_fault("msr-misc-enable", try_rdmsr(MSR_MISC_ENABLE, &value));
    check("msr-misc-enable-value", (value & 1) != 0, "fast strings are off: 0x%lx", value);
    check_no_fault("msr-misc-enable-same", try_wrmsr(MSR_MISC_ENABLE, value));
    check_fault("msr-misc-enable-write", try_wrmsr(MSR_MISC_ENABLE, 0), VECTOR_GP);
    check_equal("msr-misc-enable-kept", rdmsr(MSR_MISC_ENABLE), value);
}

/* SDM "IA32_PAT MSR": 0, 1, 4, 5, 6 and 7 are types; all else in any entry is #GP. */
static void msr_pat(void)
{
    const uint64_t pat = rdmsr(MSR_PAT);
    uint32_t wrong = 0;

    row("MS-10");
    for (uint32_t entry = 0; entry < 8; entry++) {
        for (uint64_t type = 0; type < 256; type++) {
            bool legal = type <= 7 && type != 2 && type != 3;
            uint64_t value = (pat & ~(UINT64_C(0xff) << entry * 8)) | type << entry * 8;
            struct fault f = try_wrmsr(MSR_PAT, value);
            wrong += legal ? f.taken || rdmsr(MSR_PAT) != value : !fault_is(f, VECTOR_GP);
            wrmsr(MSR_PAT, pat);
        }
    }
    check("pat-types", wrong == 0, "%u values are taken or refused wrongly", wrong);
    check_equal("pat-kept", rdmsr(MSR_PAT), pat);
}

/* Reads tell what was written, types are checked, and nothing changes for anybody. */
static void msr_mtrr(void)
{
    static const uint32_t fixed[] = {0x250, 0x258, 0x259, 0x268, 0x26f};
    const uint64_t def = rdmsr(MSR_MTRR_DEF_TYPE);
    uint64_t value;

    row("MS-09");
    check_fault("mtrr-cap-write", try_wrmsr(MSR_MTRR_CAP, 0), VECTOR_GP);
    check_equal("mtrr-no-variable", rdmsr(MSR_MTRR_CAP) & 0xff, 0);
    for (uint32_t i = 0; i < 20; i++) {
        if (!fault_is(try_rdmsr(MSR_MTRR_PHYSBASE0 + i, &value), VECTOR_GP) ||
            !fault_is(try_wrmsr(MSR_MTRR_PHYSBASE0 + i, 6), VECTOR_GP))
            check("mtrr-variable", false, "0x%x is there", MSR_MTRR_PHYSBASE0 + i);
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (!fault_is(try_wrmsr(fixed[i], UINT64_C(0x0606060606060602)), VECTOR_GP) ||
            !fault_is(try_wrmsr(fixed[i], UINT64_C(0x0806060606060606)), VECTOR_GP))
            check("mtrr-fixed", false, "0x%x takes a type that is none", fixed[i]);
    }
    for (uint64_t type = 0; type < 256; type++) {
        bool legal = type == 0 || type == 1 || (type >= 4 && type <= 6);
        struct fault f = try_wrmsr(MSR_MTRR_DEF_TYPE, 0xc00 | type);
        if (legal ? f.taken : !fault_is(f, VECTOR_GP))
            check("mtrr-def-type", false, "type %lu", type);
    }
    check_fault("mtrr-def-reserved", try_wrmsr(MSR_MTRR_DEF_TYPE, UINT64_C(1) << 12 | 6),
                VECTOR_GP);
    check_fault("mtrr-def-upper", try_wrmsr(MSR_MTRR_DEF_TYPE, UINT64_C(1) << 63 | 6), VECTOR_GP);
    check_no_fault("mtrr-off", try_wrmsr(MSR_MTRR_DEF_TYPE, 0)); /* all memory uncached, on a PC */
    spin_for(10 * NS_PER_US);
    wrmsr(MSR_MTRR_DEF_TYPE, def);
    check_equal("mtrr-def-back", rdmsr(MSR_MTRR_DEF_TYPE), def);
}

static void msr_debugctl(void)
{
    uint32_t taken = 0;

    row("MS-11");
    for (uint32_t bit = 0; bit < 64; bit++)
        taken += !fault_is(try_wrmsr(MSR_DEBUGCTL, UINT64_C(1) << bit), VECTOR_GP);
    check("debugctl-bits", taken == 0, "%u bits are taken", taken);
    check_fault("debugctl-bts", try_wrmsr(MSR_DEBUGCTL, 1u << 6 | 1u << 7), VECTOR_GP);
    check_no_fault("debugctl-zero", try_wrmsr(MSR_DEBUGCTL, 0));
    check_equal("debugctl-value", rdmsr(MSR_DEBUGCTL), 0);
}

/* SDM "WRMSR": #GP if the address is not canonical, for those that hold one. */
static void msr_canonical(void)
{
    static const struct {
        const char *id;
        uint32_t index;
    } rows[] = {
        {"canonical-sysenter-esp", MSR_SYSENTER_ESP},
        {"canonical-sysenter-eip", MSR_SYSENTER_EIP},
        {"canonical-lstar", MSR_LSTAR},
        {"canonical-cstar", MSR_CSTAR},
        {"canonical-fs", MSR_FS_BASE},
        {"canonical-gs", MSR_GS_BASE},
        {"canonical-kernel-gs", MSR_KERNEL_GS_BASE},
    };

    row("MS-19");
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const uint64_t before = rdmsr(rows[i].index);
        bool refused = fault_is(try_wrmsr(rows[i].index, UINT64_C(1) << 63), VECTOR_GP) &&
                       fault_is(try_wrmsr(rows[i].index, UINT64_C(1) << 47), VECTOR_GP) &&
                       fault_is(try_wrmsr(rows[i].index, UINT64_C(0x7fff800000000000)), VECTOR_GP);
        bool kept = rdmsr(rows[i].index) == before;
        struct fault f = try_wrmsr(rows[i].index, UINT64_C(0xffff800000000000));
        cpuid(0, 0); /* an entry, with that value in place */
        wrmsr(rows[i].index, before);
        check(rows[i].id, refused && kept && !f.taken, "#GP %d, kept %d, canonical taken %d",
              refused, kept, !f.taken);
    }
}

/* What EFER lacks is #GP; LME cannot change under paging; LMA is read only and ignored. */
static void msr_efer(void)
{
    const uint64_t efer = rdmsr(MSR_EFER);
    uint32_t taken = 0;

    row("X-02");
    for (uint32_t bit = 0; bit < 64; bit++) {
        if (bit == 0 || bit == 8 || bit == 10 || bit == 11)
            continue;
        taken += !fault_is(try_wrmsr(MSR_EFER, efer | UINT64_C(1) << bit), VECTOR_GP);
    }
    check("efer-reserved", taken == 0, "%u reserved bits are taken", taken);
    check_fault("efer-lme-under-paging", try_wrmsr(MSR_EFER, efer & ~EFER_LME), VECTOR_GP);
    check_no_fault("efer-lma", try_wrmsr(MSR_EFER, efer & ~EFER_LMA));
    check_equal("efer-lma-kept", rdmsr(MSR_EFER), efer);
    check_no_fault("efer-own", try_wrmsr(MSR_EFER, efer | EFER_SCE | EFER_NXE));
    cpuid(0, 0);
    check_equal("efer-own-kept", rdmsr(MSR_EFER), efer | EFER_SCE | EFER_NXE);
    wrmsr(MSR_EFER, efer);
}

/* The TSC is the machine's: writing it does nothing, or the other guests' clocks would move. */
static void msr_tsc(void)
{
    uint64_t before = tsc_now();
    struct fault f = try_wrmsr(MSR_TSC, 0);
    struct fault ones = try_wrmsr(MSR_TSC, ~UINT64_C(0));
    uint64_t after = tsc_now();

    row("MS-17");
    check_no_fault("msr-tsc-write", f);
    check_no_fault("msr-tsc-ones", ones);
    check("msr-tsc-value", after > before && after - before < ns_to_tsc(NS_PER_SECOND),
          "0x%lx before, 0x%lx after", before, after);
}

void hostile_msr(void)
{
    msr_closed();
    msr_apic_base();
    msr_firmware();
    msr_pat();
    msr_mtrr();
    msr_debugctl();
    msr_canonical();
    msr_efer();
    msr_tsc();
    if (hostile_on_amd())
        hostile_msr_amd();
}
