/* SPDX-License-Identifier: MIT */
/*
 * msr: an MSR that is not opened for guests is #GP, both ways; those that are hold to their rules.
 */
#include "lib/x86/msr.h"
#include "guests/hvtest/hvtest.h"
#include "guests/kit/timing.h"
#include "lib/x86/cr.h"
#include "lib/x86/insn.h"

/* Not a guest's, or none at all, and at the edges of the hardware's bitmap. */
static const struct {
    const char *id;
    uint32_t index;
} closed[] = {
    {"msr-tsc-adjust", 0x3b},
    {"msr-spec-ctrl", 0x48},
    {"msr-microcode-load", 0x79},
    {"msr-smm-monitor", 0x9b},
    {"msr-pmc0", 0xc1},
    {"msr-voltage", 0x150},
    {"msr-perf-ctl", 0x199},
    {"msr-evtsel0", 0x186},
    {"msr-lbr-select", 0x1c8},
    {"msr-smrr", 0x1f2},
    {"msr-perf-global-ctrl", 0x38f},
    {"msr-mc0-ctl", 0x400},
    {"msr-vmx-basic", 0x480},
    {"msr-pt-output-base", 0x560},
    {"msr-ds-area", 0x600},
    {"msr-rapl", 0x610},
    {"msr-s-cet", 0x6a2},
    {"msr-hwp-request", 0x774},
    {"msr-cat-mask", 0xc90},
    {"msr-xss", 0xda0},
    {"msr-0x1fff", 0x1fff},
    {"msr-0x2000", 0x2000},
    {"msr-0x4000001f", 0x4000001f},
    {"msr-kvm-clock", 0x4b564d01},
    {"msr-0xbfffffff", 0xbfffffff},
    {"msr-svm-hsave", 0xc0010117},
    {"msr-0xc0001fff", 0xc0001fff},
    {"msr-0xc0002000", 0xc0002000},
    {"msr-0xffffffff", 0xffffffff},
};

static void msr_closed(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(closed); i++) {
        uint64_t value;
        struct fault read = try_rdmsr(closed[i].index, &value);
        struct fault zero = try_wrmsr(closed[i].index, 0);
        struct fault ones = try_wrmsr(closed[i].index, ~UINT64_C(0));

        check(closed[i].id,
              fault_is(read, VECTOR_GP) && fault_is(zero, VECTOR_GP) && fault_is(ones, VECTOR_GP),
              "#GP on reading: %d, writing 0: %d, writing ones: %d", fault_is(read, VECTOR_GP),
              fault_is(zero, VECTOR_GP), fault_is(ones, VECTOR_GP));
    }
}

static void msr_apic_base(void)
{
    uint64_t want = 0xfee00000 | APIC_BASE_ENABLE | APIC_BASE_X2APIC | APIC_BASE_BSP;
    uint64_t value = 0;

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
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(UINT64_C(0xffff) << 48 | MSR_APIC_BASE));
    check_equal("msr-upper-half", (uint64_t)hi << 32 | lo, want);
}

static void msr_rules(void)
{
    uint64_t value = 0;

    check_no_fault("msr-feature-control", try_rdmsr(MSR_FEATURE_CONTROL, &value));
    check_equal("msr-feature-control-value", value, FEATURE_CONTROL_LOCK);
    check_fault("msr-feature-control-write",
                try_wrmsr(MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX),
                VECTOR_GP);

    check_fault("msr-pat-type-2", try_wrmsr(MSR_PAT, UINT64_C(0x0007040600070402)), VECTOR_GP);
    check_fault("msr-pat-type-8", try_wrmsr(MSR_PAT, UINT64_C(0x0807040600070406)), VECTOR_GP);
    check_fault("msr-mtrr-type", try_wrmsr(MSR_MTRR_DEF_TYPE, 0xc02), VECTOR_GP);
    check_fault("msr-efer-reserved", try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | UINT64_C(1) << 63),
                VECTOR_GP);
    check_fault("msr-lstar-canonical", try_wrmsr(MSR_LSTAR, UINT64_C(1) << 63), VECTOR_GP);
    check_fault("msr-debugctl-bts", try_wrmsr(MSR_DEBUGCTL, 1u << 6 | 1u << 7), VECTOR_GP);
    check_no_fault("msr-misc-enable", try_rdmsr(MSR_MISC_ENABLE, &value));
    check("msr-misc-enable-value", (value & 1) != 0, "fast strings are off: 0x%lx", value);
}

/* The TSC is the machine's: writing it does nothing, or the other guests' clocks would move. */
static void msr_tsc(void)
{
    uint64_t before = tsc_now();
    struct fault f = try_wrmsr(MSR_TSC, 0);
    uint64_t after = tsc_now();

    check_no_fault("msr-tsc-write", f);
    check("msr-tsc-value", after > before && after - before < ns_to_tsc(NS_PER_SECOND),
          "0x%lx before, 0x%lx after", before, after);
}

void hvtest_msr(void)
{
    msr_closed();
    msr_apic_base();
    msr_rules();
    msr_tsc();
}
