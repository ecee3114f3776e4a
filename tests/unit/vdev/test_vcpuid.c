/* SPDX-License-Identifier: MIT */
/*
 * test_vcpuid: what a guest is told that its processor can do. Closed by default, even on a host
 * that has every feature there is; and nothing is promised that does not work: see `pairs`.
 */
#include "vdev/vcpuid.h"

#include "guests/kit/abi.h"
#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "support.h"
#include "vcpuid_host.h"
#include "vdev/vcpuid_bits.h"
#include "vdev/vmsr.h"
#include "vmx/bits.h"

/* ------------------------------------------------------------------ closed by default */

static bool has_answer(uint32_t leaf)
{
    static const uint32_t leaves[] = {0x0,        0x1,        0x2,        0x4,        0x6,
                                      0x7,        0xb,        0xd,        0x15,       0x16,
                                      0x1a,       0x40000000, 0x40000001, 0x40000002, 0x40000100,
                                      0x40000101, 0x80000000, 0x80000001, 0x80000002, 0x80000003,
                                      0x80000004, 0x80000006, 0x80000007, 0x80000008};
    for (uint32_t i = 0; i < ARRAY_SIZE(leaves); i++) {
        if (leaves[i] == leaf)
            return true;
    }
    return false;
}

static void test_other_leaves_are_zero(void **state)
{
    (void)state;
    static const uint32_t bases[] = {0,          0x20000000, 0x40000000, 0x40010000, 0x7ffff000,
                                     0x80000000, 0x80860000, 0xc0000000, 0xfffff000};
    for (uint32_t i = 0; i < ARRAY_SIZE(bases); i++) {
        for (uint32_t n = 0; n < 0x1000; n++)
            assert_int_equal(is_zero(bases[i] + n, 0), !has_answer(bases[i] + n));
    }
    uint64_t seed = 7;
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t r = random_next(&seed);
        uint32_t leaf = (uint32_t)r;
        if (!has_answer(leaf))
            assert_true(is_zero(leaf, (uint32_t)(r >> 32)));
    }
}

static void test_subleaves(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (uint32_t i = 0; i < 10000; i++) {
        uint32_t subleaf = 8 + (uint32_t)random_next(&seed) / 2;
        assert_true(is_zero(0x4, subleaf));
        assert_true(is_zero(0x7, subleaf));
        assert_true(is_zero(0xd, subleaf));
        /* Leaves without subleaves do not look at it. */
        assert_int_equal(get(0x0, subleaf, EBX), 0x756e6547);
        assert_int_equal(get(0x1, subleaf, ECX), get(0x1, 0, ECX));
        assert_int_equal(get(BULKHEAD_CPUID_BASE, subleaf, EAX), BULKHEAD_CPUID_TIME);
        /* Past the last level, still this core. */
        assert_int_equal(get(0xb, subleaf, EAX), 0);
        assert_int_equal(get(0xb, subleaf, EBX), 0);
        assert_int_equal(get(0xb, subleaf, ECX), subleaf & 0xff);
        assert_int_equal(get(0xb, subleaf, EDX), 6);
    }
    assert_true(is_zero(0x4, 4));
    assert_true(is_zero(0x7, 2));
    assert_true(is_zero(0xd, 3));
    assert_true(is_zero(0xd, 9));
}

static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t bits;
    const char *what;
} hidden[] = {
    {0x1, 0, ECX, BIT32(2), "DTES64"},
    {0x1, 0, ECX, CPUID_1C_MONITOR, "MONITOR"},
    {0x1, 0, ECX, BIT32(4), "DS-CPL"},
    {0x1, 0, ECX, CPUID_1C_VMX, "VMX"},
    {0x1, 0, ECX, CPUID_1C_SMX, "SMX"},
    {0x1, 0, ECX, BIT32(7) | BIT32(8), "EST, TM2"},
    {0x1, 0, ECX, BIT32(10) | BIT32(11), "CNXT-ID, SDBG"},
    {0x1, 0, ECX, BIT32(14) | BIT32(15) | BIT32(18), "xTPR, PDCM, DCA"},
    {0x1, 0, EDX, CPUID_1D_MCE | CPUID_1D_MCA, "machine check"},
    {0x1, 0, EDX, BIT32(18), "serial number"},
    {0x1, 0, EDX, CPUID_1D_DS | CPUID_1D_ACPI | BIT32(29) | BIT32(31), "DS, ACPI, TM, PBE"},
    {0x6, 0, EAX, ~CPUID_6A_ARAT, "power management"},
    {0x6, 0, EBX, UINT32_MAX, "thermal"},
    {0x6, 0, ECX, UINT32_MAX, "APERF/MPERF"},
    {0x6, 0, EDX, UINT32_MAX, "hardware feedback"},
    {0x7, 0, EBX, CPUID_7B_TSC_ADJUST, "TSC_ADJUST"},
    {0x7, 0, EBX, CPUID_7B_SGX, "SGX"},
    {0x7, 0, EBX, BIT32(4) | CPUID_7B_RTM, "HLE, RTM"},
    {0x7, 0, EBX, BIT32(12) | BIT32(15), "RDT"},
    {0x7, 0, EBX, BIT32(14), "MPX"},
    {0x7, 0, EBX, CPUID_7B_PT, "processor trace"},
    {0x7, 0, ECX, CPUID_7C_PKU | BIT32(4), "PKU"},
    {0x7, 0, ECX, CPUID_7C_WAITPKG, "WAITPKG"},
    {0x7, 0, ECX, CPUID_7C_CET_SS, "shadow stacks"},
    {0x7, 0, ECX, BIT32(13), "TME"},
    {0x7, 0, ECX, CPUID_7C_LA57, "LA57"},
    {0x7, 0, ECX, CPUID_7C_KEY_LOCKER | BIT32(24), "key locker, bus lock detection"},
    {0x7, 0, ECX, BIT32(29) | BIT32(30) | CPUID_7C_PKS, "ENQCMD, SGX_LC, PKS"},
    {0x7, 0, EDX, CPUID_7D_UINTR, "user interrupts"},
    {0x7, 0, EDX, BIT32(9) | BIT32(11) | BIT32(13), "SRBDS, TSX controls"},
    {0x7, 0, EDX, BIT32(16) | BIT32(18) | BIT32(19), "TSXLDTRK, PCONFIG, LBR"},
    {0x7, 0, EDX, CPUID_7D_CET_IBT, "indirect branch tracking"},
    {0x7, 0, EDX, BIT32(22) | CPUID_7D_AMX_TILE | BIT32(25), "AMX"},
    {0x7, 0, EDX, MASK64(31, 26), "speculation control"},
    {0x7, 1, EAX, CPUID_7_1A_LASS | CPUID_7_1A_FRED | BIT32(18) | BIT32(19), "LASS, FRED, LKGS"},
    {0x7, 1, EAX, BIT32(20) | BIT32(21) | BIT32(22), "NMI source, AMX, HRESET"},
    {0x7, 1, EAX, CPUID_7_1A_LAM | CPUID_7_1A_MSRLIST, "LAM, MSRLIST"},
    {0x7, 1, EBX, UINT32_MAX, "7.1 EBX"},
    {0x7, 1, ECX, UINT32_MAX, "7.1 ECX"},
    {0x7, 1, EDX, CPUID_7_1D_USER_MSR | BIT32(18) | BIT32(19), "USER_MSR, CET_SSS, AVX10"},
    {0xd, 0, EAX, ~UINT32_C(0xe7), "XCR0: MPX, PKRU, PT"},
    {0xd, 0, EDX, UINT32_MAX, "XCR0, high"},
    {0xd, 1, EAX, CPUID_D_1A_XSAVES | BIT32(4), "XSAVES, XFD"},
    {0xd, 1, ECX, UINT32_MAX, "XSS"},
    {0xd, 1, EDX, UINT32_MAX, "XSS, high"},
    {0x80000001, 0, ECX, BIT32(2), "SVM"},
    {0x80000008, 0, EBX, UINT32_MAX, "AMD's extensions"},
};

static void test_hidden_features(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        if ((get(hidden[i].leaf, hidden[i].subleaf, hidden[i].reg) & hidden[i].bits) != 0)
            fail_msg("%s is shown", hidden[i].what);
    }
}

/* A leaf's bits that are the host's are never more than the host's. */
static void test_random_hosts(void **state)
{
    (void)state;
    static const struct {
        uint32_t leaf, subleaf;
        enum reg reg;
        uint32_t ours; /* bits that do not come from the host */
    } rows[] = {{0x1, 0, ECX, CPUID_1C_HYPERVISOR},
                {0x1, 0, EDX, CPUID_1D_HTT},
                {0x2, 0, EAX, 0},
                {0x2, 0, EDX, 0},
                {0x6, 0, EAX, 0},
                {0x7, 0, EBX, 0},
                {0x7, 0, ECX, 0},
                {0x7, 0, EDX, 0},
                {0x7, 1, EAX, 0},
                {0x7, 1, EDX, 0},
                {0xd, 0, EAX, 0},
                {0xd, 1, EAX, 0},
                {0x80000001, 0, ECX, 0},
                {0x80000001, 0, EDX, 0}};
    uint64_t seed = 9;
    for (uint32_t round = 0; round < 20000; round++) {
        for (uint32_t i = 0; i < host.count; i++) {
            struct cpuid_row *row = &host.rows[i];
            uint64_t r = random_next(&seed), s = random_next(&seed);
            *row = (struct cpuid_row){row->leaf,           row->subleaf, (uint32_t)r,
                                      (uint32_t)(r >> 32), (uint32_t)s,  (uint32_t)(s >> 32)};
        }
        if ((round & 1) != 0)
            set_shape();
        wish.xcr0_allowed = random_next(&seed);
        wish.core_count = 1 + random_next(&seed) % 64;
        wish.apic_id = (uint32_t)random_next(&seed);
        wish.tsc_hz = random_next(&seed) >> (random_next(&seed) & 63);
        wish.apic_timer_hz = random_next(&seed) >> (random_next(&seed) & 63);
        build();
        for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
            const struct cpuid_row *from = host_row(rows[i].leaf, rows[i].subleaf);
            const uint32_t own[] = {from->eax, from->ebx, from->ecx, from->edx};
            uint32_t shown = get(rows[i].leaf, rows[i].subleaf, rows[i].reg);
            assert_int_equal(shown & ~(own[rows[i].reg] | rows[i].ours), 0);
        }
    }
}

/* ------------------------------------------------------------------ promises that are kept */

/* Each bit that stands for MSRs or CR4 bits: shown only when they work. */
static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t bit;
    uint32_t first_msr, last_msr; /* 0: none */
    uint64_t cr4;
} pairs[] = {
    {0x1, 0, ECX, CPUID_1C_VMX, MSR_VMX_BASIC, MSR_VMX_BASIC, CR4_VMXE},
    {0x1, 0, ECX, CPUID_1C_SMX, 0, 0, CR4_SMXE},
    {0x1, 0, ECX, CPUID_1C_PCID, 0, 0, CR4_PCIDE},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_ID, MSR_X2APIC_VERSION, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_TPR, MSR_X2APIC_TPR, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_PPR, MSR_X2APIC_EOI, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_LDR, MSR_X2APIC_LDR, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_SVR, MSR_X2APIC_ESR, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_ICR, MSR_X2APIC_ICR, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_LVT_TIMER, MSR_X2APIC_TIMER_NOW, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_TIMER_DIV, MSR_X2APIC_SELF_IPI, 0},
    {0x1, 0, ECX, CPUID_1C_TSC_DEADLINE, MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, 0},
    {0x1, 0, ECX, CPUID_1C_XSAVE, 0, 0, CR4_OSXSAVE},
    {0x1, 0, EDX, CPUID_1D_VME, 0, 0, CR4_VME | CR4_PVI},
    {0x1, 0, EDX, CPUID_1D_DE, 0, 0, CR4_DE},
    {0x1, 0, EDX, CPUID_1D_PSE, 0, 0, CR4_PSE},
    {0x1, 0, EDX, CPUID_1D_TSC, MSR_TSC, MSR_TSC, CR4_TSD},
    {0x1, 0, EDX, CPUID_1D_PAE, 0, 0, CR4_PAE},
    {0x1, 0, EDX, CPUID_1D_MCE, 0, 0, CR4_MCE},
    {0x1, 0, EDX, CPUID_1D_APIC, MSR_APIC_BASE, MSR_APIC_BASE, 0},
    {0x1, 0, EDX, CPUID_1D_SEP, MSR_SYSENTER_CS, MSR_SYSENTER_EIP, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_MTRR_CAP, MSR_MTRR_CAP, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_MTRR_FIX64K, MSR_MTRR_FIX64K, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, 0x258, 0x259, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, 0x268, 0x26f, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, 0},
    {0x1, 0, EDX, CPUID_1D_PGE, 0, 0, CR4_PGE},
    {0x1, 0, EDX, CPUID_1D_MCA, MSR_MCG_CAP, MSR_MCG_STATUS, 0},
    {0x1, 0, EDX, CPUID_1D_PAT, MSR_PAT, MSR_PAT, 0},
    {0x1, 0, EDX, CPUID_1D_DS, 0x600, 0x600, 0},
    {0x1, 0, EDX, CPUID_1D_ACPI, 0x19a, 0x19c, 0},
    {0x1, 0, EDX, CPUID_1D_FXSR, 0, 0, CR4_OSFXSR},
    {0x1, 0, EDX, CPUID_1D_SSE, 0, 0, CR4_OSXMMEXCPT},
    {0x7, 0, EBX, CPUID_7B_FSGSBASE, MSR_FS_BASE, MSR_KERNEL_GS_BASE, CR4_FSGSBASE},
    {0x7, 0, EBX, CPUID_7B_TSC_ADJUST, MSR_TSC_ADJUST, MSR_TSC_ADJUST, 0},
    {0x7, 0, EBX, CPUID_7B_SMEP, 0, 0, CR4_SMEP},
    {0x7, 0, EBX, CPUID_7B_SMAP, 0, 0, CR4_SMAP},
    {0x7, 0, EBX, CPUID_7B_ERMS, MSR_MISC_ENABLE, MSR_MISC_ENABLE, 0},
    {0x7, 0, EBX, CPUID_7B_PT, 0x560, 0x571, 0},
    {0x7, 0, ECX, CPUID_7C_UMIP, 0, 0, CR4_UMIP},
    {0x7, 0, ECX, CPUID_7C_PKU, 0, 0, CR4_PKE},
    {0x7, 0, ECX, CPUID_7C_WAITPKG, 0xe1, 0xe1, 0},
    {0x7, 0, ECX, CPUID_7C_CET_SS, 0x6a0, 0x6a8, CR4_CET},
    {0x7, 0, ECX, CPUID_7C_LA57, 0, 0, CR4_LA57},
    {0x7, 0, ECX, CPUID_7C_RDPID, MSR_TSC_AUX, MSR_TSC_AUX, 0},
    {0x7, 0, ECX, CPUID_7C_KEY_LOCKER, 0xd90, 0xd91, BIT64(19)},
    {0x7, 0, ECX, CPUID_7C_PKS, 0x6e1, 0x6e1, BIT64(24)},
    {0x7, 0, EDX, CPUID_7D_FSRM, MSR_MISC_ENABLE, MSR_MISC_ENABLE, 0},
    {0x7, 0, EDX, CPUID_7D_UINTR, 0x985, 0x98a, BIT64(25)},
    {0x7, 0, EDX, CPUID_7D_CET_IBT, 0x6a0, 0x6a2, CR4_CET},
    {0x7, 0, EDX, CPUID_7D_SPEC_CTRL, MSR_SPEC_CTRL, MSR_PRED_CMD, 0},
    {0x7, 0, EDX, CPUID_7D_STIBP, MSR_SPEC_CTRL, MSR_SPEC_CTRL, 0},
    {0x7, 0, EDX, CPUID_7D_L1D_FLUSH, 0x10b, 0x10b, 0},
    {0x7, 0, EDX, CPUID_7D_ARCH_CAPABILITIES, MSR_ARCH_CAPABILITIES, MSR_ARCH_CAPABILITIES, 0},
    {0x7, 0, EDX, CPUID_7D_CORE_CAPABILITIES, 0xcf, 0xcf, 0},
    {0x7, 0, EDX, CPUID_7D_SSBD, MSR_SPEC_CTRL, MSR_SPEC_CTRL, 0},
    {0x7, 1, EAX, CPUID_7_1A_LASS, 0, 0, BIT64(27)},
    {0x7, 1, EAX, CPUID_7_1A_FRED, 0x1cc, 0x1d4, BIT64(32)},
    {0x7, 1, EAX, CPUID_7_1A_LAM, 0, 0, BIT64(28)},
    {0xd, 1, EAX, CPUID_D_1A_XSAVES, MSR_XSS, MSR_XSS, 0},
    {0x80000001, 0, EDX, CPUID_E1D_SYSCALL, MSR_STAR, MSR_FMASK, 0},
    {0x80000001, 0, EDX, CPUID_E1D_NX, MSR_EFER, MSR_EFER, 0},
    {0x80000001, 0, EDX, CPUID_E1D_LM, MSR_EFER, MSR_EFER, 0},
    {0x80000001, 0, EDX, CPUID_E1D_RDTSCP, MSR_TSC_AUX, MSR_TSC_AUX, 0},
};

static bool range_has_rows(uint32_t first, uint32_t last)
{
    for (uint32_t msr = first; msr <= last; msr++) {
        if (vmsr_row(&msr_intel, msr) == NULL)
            return false;
    }
    return true;
}

static void test_a_shown_bit_works(void **state)
{
    (void)state;
    uint64_t cr4 = vcpuid_cr4_allowed(&cpuid_intel, &host);
    for (uint32_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        bool shown = (get(pairs[i].leaf, pairs[i].subleaf, pairs[i].reg) & pairs[i].bit) != 0;
        bool has_msrs =
            pairs[i].first_msr == 0 || range_has_rows(pairs[i].first_msr, pairs[i].last_msr);
        if (shown && (!has_msrs || (cr4 & pairs[i].cr4) != pairs[i].cr4))
            fail_msg("leaf 0x%x.%u register %d bit 0x%x is shown and does not work", pairs[i].leaf,
                     pairs[i].subleaf, pairs[i].reg, pairs[i].bit);
        /* MCE is the exception that vcpuid_cr4_allowed() explains. */
        if (!shown && (cr4 & pairs[i].cr4 & ~CR4_MCE) != 0)
            fail_msg("leaf 0x%x.%u register %d bit 0x%x is hidden but its CR4 bit is allowed",
                     pairs[i].leaf, pairs[i].subleaf, pairs[i].reg, pairs[i].bit);
    }
}

/* Without the host's bit there is neither the feature nor its CR4 bit. */
static void test_cr4_follows_the_host(void **state)
{
    (void)state;
    assert_int_equal(vcpuid_cr4_allowed(&cpuid_intel, &host), 0x370fff);
    for (uint32_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i].cr4 == 0)
            continue;
        (void)every_feature(NULL);
        struct cpuid_row *row = host_row(pairs[i].leaf, pairs[i].subleaf);
        uint32_t *regs[] = {&row->eax, &row->ebx, &row->ecx, &row->edx};
        *regs[pairs[i].reg] &= ~pairs[i].bit;
        wish.xcr0_allowed = vcpuid_xcr0_allowed(&host);
        build();
        assert_int_equal(get(pairs[i].leaf, pairs[i].subleaf, pairs[i].reg) & pairs[i].bit, 0);
        assert_int_equal(vcpuid_cr4_allowed(&cpuid_intel, &host) & pairs[i].cr4 & ~CR4_MCE, 0);
    }
}

static void test_what_linux_needs(void **state)
{
    (void)state;
    const uint32_t ecx = CPUID_1C_X2APIC | CPUID_1C_TSC_DEADLINE | CPUID_1C_HYPERVISOR;
    assert_int_equal(get(0x1, 0, ECX) & ecx, ecx);
    const uint32_t edx = CPUID_1D_APIC | CPUID_1D_MTRR | CPUID_1D_PAT | CPUID_1D_SEP;
    assert_int_equal(get(0x1, 0, EDX) & edx, edx);
    const uint32_t ext = CPUID_E1D_NX | CPUID_E1D_LM | CPUID_E1D_SYSCALL | CPUID_E1D_RDTSCP;
    assert_int_equal(get(0x80000001, 0, EDX) & ext, ext);
    assert_int_equal(get(0x6, 0, EAX), CPUID_6A_ARAT);
    assert_int_equal(get(0x80000007, 0, EDX), CPUID_E7D_INVARIANT_TSC);
    assert_int_equal(get(0x80000008, 0, EAX), 48 << 8 | 39);
    assert_int_equal(get(0x7, 0, EAX), 1);
}

/* Whatever the host's row says: whom to believe was decided before. */
static void test_invariant_tsc(void **state)
{
    (void)state;
    for (uint32_t promised = 0; promised < 2; promised++) {
        host_row(0x80000007, 0)->edx = promised ? UINT32_MAX : 0;
        for (uint32_t wished = 0; wished < 2; wished++) {
            wish.tsc_invariant = wished != 0;
            build();
            assert_int_equal(get(0x80000007, 0, EDX), wished ? CPUID_E7D_INVARIANT_TSC : 0);
        }
    }
}

static void test_xcr0_allowed(void **state)
{
    (void)state;
    static const struct {
        uint32_t host, allowed;
    } rows[] = {
        {0x003, 0x03}, {0x007, 0x07}, {0x0e7, 0xe7}, {0x2ff, 0xe7}, {0x0e3, 0x03},
        {0x067, 0x07}, {0x0c7, 0x07}, {0x01f, 0x07}, {0x001, 0x01},
    };
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        host_row(0xd, 0)->eax = rows[i].host;
        assert_int_equal(vcpuid_xcr0_allowed(&host), rows[i].allowed);
    }
    host_row(0x1, 0)->ecx &= ~CPUID_1C_XSAVE;
    assert_int_equal(vcpuid_xcr0_allowed(&host), 0);
}

static void test_without_xsave(void **state)
{
    (void)state;
    host_row(0x1, 0)->ecx &= ~CPUID_1C_XSAVE;
    wish.xcr0_allowed = UINT64_MAX;
    build();
    for (uint32_t subleaf = 0; subleaf < 8; subleaf++)
        assert_true(is_zero(0xd, subleaf));
    assert_int_equal(get(0x1, 0, ECX) & (CPUID_1C_AVX | CPUID_1C_FMA | CPUID_1C_F16C), 0);
    assert_int_equal(get(0x7, 0, EBX) & CPUID_7B_AVX2, 0);
}

/* Vector features come and go with their XCR0 components. */
static void test_avx_follows_xcr0(void **state)
{
    (void)state;
    const uint32_t avx512_7b = 0xd0230000;
    assert_int_equal(get(0x7, 0, EBX) & avx512_7b, avx512_7b);

    wish.xcr0_allowed = XCR0_X87 | XCR0_SSE | XCR0_AVX;
    build();
    assert_int_equal(get(0x7, 0, EBX) & avx512_7b, 0);
    assert_int_equal(get(0x7, 0, ECX) & 0x5842, 0);
    assert_int_equal(get(0x7, 0, EDX) & (BIT32(8) | BIT32(23)), 0);
    assert_int_equal(get(0x7, 1, EAX) & CPUID_7_1A_AVX512_BF16, 0);
    assert_int_not_equal(get(0x7, 0, EBX) & CPUID_7B_AVX2, 0);
    assert_int_equal(get(0xd, 0, EAX), 7);
    assert_int_equal(get(0xd, 0, ECX), 832);
    assert_true(is_zero(0xd, 5) && is_zero(0xd, 6) && is_zero(0xd, 7));
    assert_false(is_zero(0xd, 2));

    wish.xcr0_allowed = XCR0_X87 | XCR0_SSE;
    build();
    assert_int_equal(get(0x1, 0, ECX) & (CPUID_1C_AVX | CPUID_1C_FMA | CPUID_1C_F16C), 0);
    assert_int_equal(get(0x7, 0, EBX) & CPUID_7B_AVX2, 0);
    assert_int_equal(get(0x7, 0, ECX) & (CPUID_7C_VAES | CPUID_7C_VPCLMULQDQ), 0);
    assert_int_not_equal(get(0x7, 0, EBX) & CPUID_7B_BMI2, 0);
    assert_true(is_zero(0xd, 2));
    assert_int_equal(get(0xd, 0, ECX), 576);
}

/* Above its highest leaf an Intel processor repeats another leaf's data. */
static void test_leaves_the_host_has_not(void **state)
{
    (void)state;
    host_row(0x0, 0)->eax = 0x6;
    host_row(0x80000000, 0)->eax = 0x80000000;
    wish.xcr0_allowed = UINT64_MAX;
    build();
    assert_int_equal(vcpuid_xcr0_allowed(&host), 0);
    assert_int_equal(get(0x7, 0, EBX) | get(0x7, 0, ECX) | get(0x7, 0, EDX), 0);
    assert_true(is_zero(0x7, 1));
    assert_true(is_zero(0xd, 1));
    assert_int_equal(get(0x1, 0, ECX) & CPUID_1C_XSAVE, 0); /* of no use without leaf 0xD */
    assert_true(is_zero(0x80000001, 0));
    assert_true(is_zero(0x80000002, 0));
    assert_int_equal(get(0x15, 0, ECX), 2400000000); /* not the 24 MHz that is not there */
    assert_int_equal(get(0x16, 0, ECX), 0);
    assert_int_equal(
        vcpuid_cr4_allowed(&cpuid_intel, &host) & (CR4_SMEP | CR4_FSGSBASE | CR4_OSXSAVE), 0);

    host.count = 0; /* nothing at all: still the leaves that are ours */
    build();
    assert_int_equal(get(0x0, 0, EAX), 0x1a);
    assert_int_equal(get(0x1, 0, ECX), CPUID_1C_HYPERVISOR);
    assert_int_equal(get(0x40000000, 0, EBX), 0x6b6c7542);
    assert_int_equal(vcpuid_cr4_allowed(&cpuid_intel, &host), CR4_MCE | CR4_PCE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_other_leaves_are_zero, every_feature),
        cmocka_unit_test_setup(test_subleaves, every_feature),
        cmocka_unit_test_setup(test_hidden_features, every_feature),
        cmocka_unit_test_setup(test_random_hosts, every_feature),
        cmocka_unit_test_setup(test_a_shown_bit_works, every_feature),
        cmocka_unit_test_setup(test_cr4_follows_the_host, every_feature),
        cmocka_unit_test_setup(test_what_linux_needs, every_feature),
        cmocka_unit_test_setup(test_invariant_tsc, every_feature),
        cmocka_unit_test_setup(test_xcr0_allowed, every_feature),
        cmocka_unit_test_setup(test_without_xsave, every_feature),
        cmocka_unit_test_setup(test_avx_follows_xcr0, every_feature),
        cmocka_unit_test_setup(test_leaves_the_host_has_not, every_feature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
