/* SPDX-License-Identifier: MIT */
/*
 * test_vcpuid_amd: what a guest on an AMD processor is told. As test_vcpuid.c: closed by default,
 * and what is shown works; then that what each generation says comes out as it should.
 */
#include "lib/bits.h"
#include "lib/x86/msr.h"
#include "support.h"
#include "vcpuid_amd.h"
#include "vcpuid_host.h"
#include "vdev/vcpuid.h"
#include "vdev/vcpuid_bits.h"
#include "vdev/vmsr.h"

/* Every bit of every leaf, but where numbers have to fit together. */
static int every_amd_feature(void **state)
{
    (void)state;
    policy = &cpuid_amd;
    host_all_ones();
    for (uint32_t i = 0; i < MODEL_ROWS && (models[ZEN_4].rows[i].leaf != 0 || i == 0); i++) {
        const struct cpuid_row *row = &models[ZEN_4].rows[i];
        if ((row->leaf == 0xd && row->subleaf >= 2) || row->leaf == EXT(0x1d))
            *host_row(row->leaf, row->subleaf) = *row;
    }
    set_row(0xb, 1, 8, 192, 0x201, 6);
    wish_two_cores();
    build();
    return 0;
}

static int zen_4(void **state)
{
    (void)state;
    policy = &cpuid_amd;
    use_model(&models[ZEN_4]);
    return 0;
}

/* ------------------------------------------------------------------ closed by default */

static void test_other_leaves_are_zero(void **state)
{
    (void)state;
    static const uint32_t answered[] = {0x0,        0x1,        0x6,        0x7,        0xb,
                                        0xd,        0x40000000, 0x40000001, 0x40000002, 0x40000100,
                                        0x40000101, EXT(0x0),   EXT(0x1),   EXT(0x2),   EXT(0x3),
                                        EXT(0x4),   EXT(0x5),   EXT(0x6),   EXT(0x7),   EXT(0x8),
                                        EXT(0x19),  EXT(0x1a),  EXT(0x1d),  EXT(0x1e),  EXT(0x21)};
    static const uint32_t bases[] = {0, 0x40000000, 0x7ffff000, 0x80000000, 0x8fffff00, 0xc0000000};
    for (uint32_t i = 0; i < ARRAY_SIZE(bases); i++) {
        for (uint32_t n = 0; n < 0x1000; n++) {
            bool found = false;
            for (uint32_t k = 0; k < ARRAY_SIZE(answered); k++)
                found = found || answered[k] == bases[i] + n;
            assert_int_equal(is_zero(bases[i] + n, 0), !found);
        }
    }
    assert_true(is_zero(EXT(0x1d), 4)); /* the end of the caches' list */
    assert_true(is_zero(EXT(0x1d), UINT32_MAX));
    assert_true(is_zero(0x7, 2));
    assert_int_equal(get(0x0, 0, EAX), 0xd);
    assert_int_equal(get(EXT(0), 0, EAX), EXT(0x21));
}

static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t bits;
    const char *what;
} hidden[] = {
    {0x1, 0, ECX, CPUID_1C_MONITOR | CPUID_1C_VMX | CPUID_1C_SMX, "MONITOR, VMX, SMX"},
    {0x1, 0, EDX, CPUID_1D_MCE | CPUID_1D_MCA, "machine check"},
    {0x6, 0, EAX, ~CPUID_6A_ARAT, "power management"},
    {0x6, 0, ECX, UINT32_MAX, "APERF/MPERF"},
    {0x7, 0, EBX, CPUID_7B_TSC_ADJUST | CPUID_7B_RTM, "TSC_ADJUST, RTM"},
    {0x7, 0, EBX, BIT32(12) | BIT32(15), "PQM, PQE"},
    {0x7, 0, ECX, CPUID_7C_PKU | BIT32(4) | CPUID_7C_CET_SS, "PKU, shadow stacks"},
    {0x7, 0, ECX, CPUID_7C_LA57 | BIT32(24) | CPUID_7C_WAITPKG, "LA57, bus locks, WAITPKG"},
    {0x7, 0, EDX, MASK64(31, 26), "speculation control"},
    {0xd, 0, EAX, ~UINT32_C(0xe7), "PKRU and more"},
    {0xd, 1, EAX, CPUID_D_1A_XSAVES, "XSAVES"},
    {0xd, 1, ECX, UINT32_MAX, "XSS"},
    {EXT(0x1), 0, ECX, CPUID_E1C_SVM | CPUID_E1C_EXTAPIC | BIT32(4), "SVM, EXTAPIC, MOV CR8"},
    {EXT(0x1), 0, ECX, CPUID_E1C_OSVW | CPUID_E1C_IBS | BIT32(11), "OSVW, IBS, XOP"},
    {EXT(0x1), 0, ECX, CPUID_E1C_SKINIT | CPUID_E1C_WDT | CPUID_E1C_LWP, "SKINIT, WDT, LWP"},
    {EXT(0x1), 0, ECX, BIT32(16) | CPUID_E1C_TCE | CPUID_E1C_NODEID_MSR, "FMA4, TCE, NODEID"},
    {EXT(0x1), 0, ECX, CPUID_E1C_PERFCTR_CORE | CPUID_E1C_PERFCTR_NB | CPUID_E1C_PERFCTR_LLC,
     "performance counters"},
    {EXT(0x1), 0, ECX, CPUID_E1C_DBEXT | CPUID_E1C_PERFTSC, "DBEXT, performance TSC"},
    {EXT(0x1), 0, ECX, CPUID_E1C_MWAITX | BIT32(30), "MWAITX, wider breakpoint masks"},
    {EXT(0x1), 0, EDX, CPUID_1D_MCE | CPUID_1D_MCA | CPUID_E1D_FFXSR, "machine check, FFXSR"},
    {EXT(0x7), 0, EAX, UINT32_MAX, "80000007 EAX"},
    {EXT(0x7), 0, EBX, UINT32_MAX, "RAS"},
    {EXT(0x7), 0, EDX, ~CPUID_E7D_INVARIANT_TSC, "power management"},
    {EXT(0x8), 0, EBX, ~(CPUID_E8B_CLZERO | CPUID_E8B_XSAVEERPTR), "INVLPGB, RDPRU, IBPB, CPPC"},
    {EXT(0x8), 0, EDX, UINT32_MAX, "INVLPGB's count"},
    {EXT(0x21), 0, EAX, ~UINT32_C(0x44), "automatic IBRS and more"},
    {EXT(0x21), 0, EBX, UINT32_MAX, "80000021 EBX"},
};

static void check_hidden(const char *model)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(hidden); i++) {
        if ((get(hidden[i].leaf, hidden[i].subleaf, hidden[i].reg) & hidden[i].bits) != 0)
            fail_msg("%s: %s is shown", model, hidden[i].what);
    }
}

/* ------------------------------------------------------------------ promises that are kept */

static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t bit;
    uint32_t first_msr, last_msr; /* 0: none */
    uint64_t cr4;
} pairs[] = {
    {0x1, 0, ECX, CPUID_1C_PCID, 0, 0, CR4_PCIDE},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_ID, MSR_X2APIC_VERSION, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_TPR, MSR_X2APIC_TPR, 0},
    {0x1, 0, ECX, CPUID_1C_X2APIC, MSR_X2APIC_PPR, MSR_X2APIC_EOI, 0},
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
    {0x1, 0, EDX, CPUID_1D_MCA, MSR_MCG_CAP, MSR_MCG_STATUS, 0},
    {0x1, 0, EDX, CPUID_1D_APIC, MSR_APIC_BASE, MSR_APIC_BASE, 0},
    {0x1, 0, EDX, CPUID_1D_SEP, MSR_SYSENTER_CS, MSR_SYSENTER_EIP, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_MTRR_CAP, MSR_MTRR_CAP, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_SYSCFG, MSR_SYSCFG, 0},
    {0x1, 0, EDX, CPUID_1D_MTRR, MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, 0},
    {0x1, 0, EDX, CPUID_1D_PGE, 0, 0, CR4_PGE},
    {0x1, 0, EDX, CPUID_1D_PAT, MSR_PAT, MSR_PAT, 0},
    {0x1, 0, EDX, CPUID_1D_FXSR, 0, 0, CR4_OSFXSR},
    {0x1, 0, EDX, CPUID_1D_SSE, 0, 0, CR4_OSXMMEXCPT},
    {0x7, 0, EBX, CPUID_7B_FSGSBASE, MSR_FS_BASE, MSR_KERNEL_GS_BASE, CR4_FSGSBASE},
    {0x7, 0, EBX, CPUID_7B_SMEP, 0, 0, CR4_SMEP},
    {0x7, 0, EBX, CPUID_7B_SMAP, 0, 0, CR4_SMAP},
    {0x7, 0, ECX, CPUID_7C_UMIP, 0, 0, CR4_UMIP},
    {0x7, 0, ECX, CPUID_7C_PKU, 0, 0, CR4_PKE},
    {0x7, 0, ECX, CPUID_7C_CET_SS, 0x6a0, 0x6a8, CR4_CET},
    {0x7, 0, ECX, CPUID_7C_LA57, 0, 0, CR4_LA57},
    {0x7, 0, ECX, CPUID_7C_RDPID, MSR_TSC_AUX, MSR_TSC_AUX, 0},
    {0xd, 1, EAX, CPUID_D_1A_XSAVES, MSR_XSS, MSR_XSS, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_SVM, 0xc0010114, 0xc0010117, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_OSVW, 0xc0010140, 0xc0010141, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_IBS, 0xc0011030, 0xc001103a, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_NODEID_MSR, 0xc001100c, 0xc001100c, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_PERFCTR_CORE, 0xc0010200, 0xc001020b, 0},
    {EXT(0x1), 0, ECX, CPUID_E1C_DBEXT, 0xc0011027, 0xc0011027, 0},
    {EXT(0x1), 0, EDX, CPUID_E1D_SYSCALL, MSR_STAR, MSR_FMASK, 0},
    {EXT(0x1), 0, EDX, CPUID_E1D_NX, MSR_EFER, MSR_EFER, 0},
    {EXT(0x1), 0, EDX, CPUID_E1D_LM, MSR_EFER, MSR_EFER, 0},
    {EXT(0x1), 0, EDX, CPUID_E1D_RDTSCP, MSR_TSC_AUX, MSR_TSC_AUX, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_IBPB, MSR_PRED_CMD, MSR_PRED_CMD, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_IBRS | CPUID_E8B_STIBP, MSR_SPEC_CTRL, MSR_SPEC_CTRL, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_SSBD, MSR_SPEC_CTRL, MSR_SPEC_CTRL, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_VIRT_SSBD, 0xc001011f, 0xc001011f, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_PPIN, 0xc00102f0, 0xc00102f1, 0},
    {EXT(0x8), 0, EBX, CPUID_E8B_CPPC, 0xc00102b0, 0xc00102b3, 0},
};

static bool range_has_rows(uint32_t first, uint32_t last)
{
    for (uint32_t msr = first; msr <= last; msr++) {
        if (vmsr_row(&msr_amd, msr) == NULL)
            return false;
    }
    return true;
}

static void check_pairs(const char *model)
{
    const uint64_t cr4 = vcpuid_cr4_allowed(&cpuid_amd, &host);
    for (uint32_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        bool shown = (get(pairs[i].leaf, pairs[i].subleaf, pairs[i].reg) & pairs[i].bit) != 0;
        bool has_msrs =
            pairs[i].first_msr == 0 || range_has_rows(pairs[i].first_msr, pairs[i].last_msr);
        if (shown && (!has_msrs || (cr4 & pairs[i].cr4) != pairs[i].cr4))
            fail_msg("%s: leaf 0x%x.%u register %d bit 0x%x is shown and does not work", model,
                     pairs[i].leaf, pairs[i].subleaf, pairs[i].reg, pairs[i].bit);
        if (!shown && (cr4 & pairs[i].cr4) != 0)
            fail_msg("%s: leaf 0x%x.%u register %d bit 0x%x is hidden, its CR4 bit is allowed",
                     model, pairs[i].leaf, pairs[i].subleaf, pairs[i].reg, pairs[i].bit);
    }
    /* Linux sets DE_CFG bit 1 where the leaf does not say that LFENCE serialises. */
    if ((get(EXT(0x21), 0, EAX) & CPUID_E21A_LFENCE_SERIALIZES) == 0)
        assert_int_equal(vmsr_row(&msr_amd, MSR_DE_CFG)->value & 2, 2);
}

static void test_every_feature(void **state)
{
    (void)state;
    check_hidden("all ones");
    check_pairs("all ones");
    assert_int_equal(vcpuid_cr4_allowed(&cpuid_amd, &host), 0x370fff);
}

/* ------------------------------------------------------------------ the generations */

static const struct {
    uint32_t leaf, subleaf;
    enum reg reg;
    uint32_t shown[ARRAY_SIZE(models)];
} expected[] = {
    {0x0, 0, EBX, {0x68747541, 0x68747541, 0x68747541, 0x68747541, 0x68747541}},
    {0x0, 0, ECX, {0x444d4163, 0x444d4163, 0x444d4163, 0x444d4163, 0x444d4163}},
    {0x0, 0, EDX, {0x69746e65, 0x69746e65, 0x69746e65, 0x69746e65, 0x69746e65}},
    {0x1, 0, EAX, {0x00870f10, 0x00a00f11, 0x00a10f11, 0x00b00f21, 0x00830f10}},
    {0x1, 0, EBX, {0x06020800, 0x06020800, 0x06020800, 0x06020800, 0x06020800}},
    {0x1, 0, ECX, {0xf6f83203, 0xf6fa3203, 0xf6fa3203, 0xf6fa3203, 0xf6f83203}},
    {0x1, 0, EDX, {0x178bbb7f, 0x178bbb7f, 0x178bbb7f, 0x178bbb7f, 0x178bbb7d}},
    {0x6, 0, EAX, {4, 4, 4, 4, 4}},
    {0x7, 0, EAX, {1, 1, 1, 1, 1}},
    {0x7, 0, EBX, {0x219c01a9, 0x219c07a9, 0xf1bf07a9, 0xf1bf07a9, 0x219c01a9}},
    {0x7, 0, ECX, {0x00400004, 0x00400604, 0x00405f46, 0x18405f46, 0x00400004}},
    {0x7, 0, EDX, {0, 0x10, 0x10, 0x110, 0}},
    {0x7, 1, EAX, {0, 0, 0x20, 0x30, 0}},
    {0xd, 0, EAX, {0x7, 0x7, 0xe7, 0xe7, 0x7}},
    {0xd, 0, ECX, {832, 832, 2432, 2432, 832}},
    {0xd, 1, EAX, {0x7, 0x7, 0x7, 0x7, 0x5}},
    {EXT(0x1), 0, ECX, {0x4001e3, 0x4001e3, 0x4001e3, 0x4001e3, 0x163}},
    {EXT(0x1), 0, EDX, {0x2dd3bb7f, 0x2dd3bb7f, 0x2dd3bb7f, 0x2dd3bb7f, 0x2dd3bb7d}},
    {EXT(0x7), 0, EDX, {0x100, 0x100, 0x100, 0x100, 0x100}},
    {EXT(0x8), 0, EAX, {0x3030, 0x3030, 0x3030, 0x3030, 0x3030}},
    {EXT(0x8), 0, EBX, {0x5, 0x5, 0x5, 0x5, 0x4}},
    {EXT(0x8), 0, ECX, {0x7001, 0x7001, 0x8001, 0x8001, 0x2001}},
    {EXT(0x1d), 0, EAX, {0x121, 0x121, 0x121, 0x121, 0}},
    {EXT(0x1d), 2, EAX, {0x143, 0x143, 0x143, 0x143, 0}},
    {EXT(0x1d), 3, EAX, {0x14163, 0x3c163, 0x3c163, 0x3c163, 0}},
    {EXT(0x1d), 3, ECX, {0x3fff, 0x7fff, 0x7fff, 0x7fff, 0}},
    {EXT(0x1e), 0, EAX, {6, 6, 6, 6, 0}},
    {EXT(0x1e), 0, EBX, {6, 6, 6, 6, 0}},
    {EXT(0x21), 0, EAX, {0, 0x44, 0x44, 0x44, 0}},
};

static void test_generations(void **state)
{
    (void)state;
    for (uint32_t m = 0; m < ARRAY_SIZE(models); m++) {
        use_model(&models[m]);
        check_hidden(models[m].name);
        check_pairs(models[m].name);
        for (uint32_t i = 0; i < ARRAY_SIZE(expected); i++) {
            uint32_t shown = get(expected[i].leaf, expected[i].subleaf, expected[i].reg);
            if (shown != expected[i].shown[m])
                fail_msg("%s: leaf 0x%x.%u register %d is 0x%x, not 0x%x", models[m].name,
                         expected[i].leaf, expected[i].subleaf, expected[i].reg, shown,
                         expected[i].shown[m]);
        }
    }
}

/* A feature that the host lacks takes its CR4 bit with it. */
static void test_cr4_follows_the_host(void **state)
{
    (void)state;
    static const uint64_t allowed[ARRAY_SIZE(models)] = {0x350fff, 0x370fff, 0x370fff, 0x370fff,
                                                         0x350ffc};
    for (uint32_t m = 0; m < ARRAY_SIZE(models); m++) {
        use_model(&models[m]);
        assert_int_equal(vcpuid_cr4_allowed(&cpuid_amd, &host), allowed[m]);
    }
}

static void test_what_the_backend_lacks(void **state)
{
    (void)state;
    vcpuid_host_hide(&host, false, false);
    build();
    assert_int_not_equal(get(0x7, 0, EBX) & CPUID_7B_INVPCID, 0);
    assert_int_not_equal(get(EXT(0x1), 0, EDX) & CPUID_E1D_RDTSCP, 0);
    vcpuid_host_hide(&host, true, false);
    build();
    assert_int_equal(get(EXT(0x1), 0, EDX), 0x25d3bb7f);
    assert_int_equal(get(0x7, 0, ECX), 0x00005f46);
    assert_int_equal(get(0x7, 0, EBX), 0xf1bf07a9);
    vcpuid_host_hide(&host, false, true);
    build();
    assert_int_equal(get(0x7, 0, EBX), 0xf1bf03a9);
}

/* A leaf 7 that has one subleaf only has not the data of some other for the next. */
static void test_subleaf_above_the_highest(void **state)
{
    (void)state;
    assert_int_equal(get(0x7, 1, EAX), 0x20);
    host_row(0x7, 0)->eax = 0;
    build();
    assert_true(is_zero(0x7, 1));
}

/* ------------------------------------------------------------------ topology, time */

/* Every leaf that counts cores or names this one says the same. */
static void test_topology_agrees(void **state)
{
    (void)state;
    for (wish.core_count = 1; wish.core_count <= 64; wish.core_count++) {
        for (wish.apic_id = 0; wish.apic_id < 600; wish.apic_id += 37) {
            build();
            const uint32_t shift = get(0xb, 1, EAX);
            assert_int_equal(shift, 8);
            assert_int_equal(get(0xb, 1, EBX), wish.core_count);
            assert_int_equal(get(0xb, 0, EDX), wish.apic_id);
            assert_int_equal(get(0xb, 2, EDX), wish.apic_id);
            assert_int_equal(get(EXT(0x8), 0, ECX), shift << 12 | (wish.core_count - 1));
            assert_int_equal(get(0x1, 0, EBX) >> 16 & 0xff, wish.core_count);
            assert_int_equal(get(0x1, 0, EBX) >> 24, wish.apic_id & 0xff);
            assert_int_equal((get(0x1, 0, EDX) & CPUID_1D_HTT) != 0, wish.core_count > 1);
            assert_int_equal(get(EXT(0x1), 0, ECX) & CPUID_E1C_CMP_LEGACY,
                             wish.core_count > 1 ? CPUID_E1C_CMP_LEGACY : 0);
            assert_int_equal(get(EXT(0x1e), 0, EAX), wish.apic_id);
            assert_int_equal(get(EXT(0x1e), 0, EBX), wish.apic_id & 0xff);
            assert_int_equal(get(EXT(0x1e), 0, ECX), wish.apic_id >> shift);
            assert_int_equal(get(EXT(0x1e), 0, EDX), 0);
        }
    }
    wish.core_count = 1000; /* more than the fields have room for */
    host_row(0xb, 1)->eax = 20;
    build();
    assert_int_equal(get(0x1, 0, EBX) >> 16 & 0xff, 0xff);
    assert_int_equal(get(EXT(0x8), 0, ECX), 0xf0ff);
}

/* The rate of the TSC is nowhere but in our own leaf. */
static void test_tsc_rate(void **state)
{
    (void)state;
    assert_int_equal(get(0x0, 0, EAX), 0xd);
    assert_true(is_zero(0x15, 0) && is_zero(0x16, 0));
    assert_int_equal(get(0x40000002, 0, EAX), 2400000);
    assert_int_equal(get(0x40000002, 0, EBX), 0); /* the APIC timer's is not known from CPUID */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_other_leaves_are_zero, every_amd_feature),
        cmocka_unit_test_setup(test_every_feature, every_amd_feature),
        cmocka_unit_test_setup(test_generations, zen_4),
        cmocka_unit_test_setup(test_cr4_follows_the_host, zen_4),
        cmocka_unit_test_setup(test_what_the_backend_lacks, zen_4),
        cmocka_unit_test_setup(test_subleaf_above_the_highest, zen_4),
        cmocka_unit_test_setup(test_topology_agrees, zen_4),
        cmocka_unit_test_setup(test_tsc_rate, zen_4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
