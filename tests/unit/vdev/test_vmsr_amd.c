/* SPDX-License-Identifier: MIT */
/*
 * test_vmsr_amd: the MSR table of AMD's processors is well-formed and closed by default, and gives
 * Linux the answers that it takes without looking whether there is one.
 */
#include "lib/x86/msr.h"
#include "support.h"
#include "vdev/vendor.h"
#include "vdev/vmsr.h"

struct fixture {
    struct vmsr msr;
    struct vapic apic;
    struct vapic_peers peers;
    struct vapic_action action;
};

static struct fixture fixture(void)
{
    struct fixture f = {.peers = {.count = 2, .self = 0, .apic_ids = {4, 6}}};
    vmsr_reset(&f.msr, &msr_amd, true);
    vapic_reset(&f.apic, 4);
    return f;
}

static bool read_msr(struct fixture *f, uint32_t index, uint64_t *value)
{
    return vmsr_read(&f->msr, &f->apic, index, value);
}

static bool write_msr(struct fixture *f, uint32_t index, uint64_t value)
{
    return vmsr_write(&f->msr, &f->apic, &f->peers, index, value, &f->action);
}

static void test_vendors(void **state)
{
    (void)state;
    assert_ptr_equal(vendor_of(POLICY_AMD)->cpuid, &cpuid_amd);
    assert_ptr_equal(vendor_of(POLICY_AMD)->msrs, &msr_amd);
    assert_true(vendor_of(POLICY_AMD)->linux_needs_tsc_rate);
    assert_string_equal(vendor_of(POLICY_AMD)->linux_options,
                        "tsc=nowatchdog initcall_blacklist=print_s5_reset_status_mmio ");
    assert_ptr_equal(vendor_of(POLICY_INTEL)->cpuid, &cpuid_intel);
    assert_ptr_equal(vendor_of(POLICY_INTEL)->msrs, &msr_intel);
    assert_false(vendor_of(POLICY_INTEL)->linux_needs_tsc_rate);
    assert_null(vendor_of(POLICY_INTEL)->linux_options);
}

/* The permission map covers three ranges of 8192: a DIRECT row elsewhere could not be kept. */
static bool in_map(uint32_t index)
{
    return index <= 0x1fff || (index >= 0xc0000000 && index <= 0xc0001fff) ||
           (index >= 0xc0010000 && index <= 0xc0011fff);
}

static void test_table_is_sorted_and_disjoint(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < msr_amd.count; i++) {
        const struct msr_row *row = &msr_amd.rows[i];
        assert_true(row->first <= row->last);
        assert_non_null(row->name);
        assert_true(in_map(row->first) && in_map(row->last));
        assert_int_not_equal(row->read, MSR_IGNORE);
        assert_int_not_equal(row->write, MSR_CONST);
        assert_true(row->read != MSR_REFUSE || row->write != MSR_REFUSE);
        assert_true(row->read == MSR_CONST || row->value == 0);
        assert_ptr_equal(vmsr_row(&msr_amd, row->first), row);
        assert_ptr_equal(vmsr_row(&msr_amd, row->last), row);
        if (i > 0)
            assert_true(row->first > msr_amd.rows[i - 1].last);
    }
}

/* What both vendors have is opened alike, but for EFER: SVM is on in the hardware's. */
static void test_rows_of_both_vendors(void **state)
{
    (void)state;
    uint32_t both = 0;
    for (uint32_t i = 0; i < msr_amd.count; i++) {
        const struct msr_row *row = &msr_amd.rows[i], *other = vmsr_row(&msr_intel, row->first);
        if (other == NULL) {
            assert_true(row->first >= 0xc0010000 && row->read == MSR_CONST);
            continue;
        }
        both++;
        assert_int_equal(row->last, other->last);
        if (row->first == MSR_EFER) {
            assert_int_equal(row->read, MSR_EMULATE);
            assert_int_equal(row->write, MSR_EMULATE);
            continue;
        }
        assert_int_equal(row->read, other->read);
        assert_int_equal(row->write, other->write);
        if (row->first != MSR_UCODE_REV)
            assert_int_equal(row->value, other->value);
    }
    assert_int_equal(both, msr_intel.count - 3); /* PLATFORM_ID, FEATURE_CONTROL, MISC_ENABLE */
}

static const struct {
    uint32_t first, last;
    const char *what;
} forbidden[] = {
    {MSR_PLATFORM_ID, MSR_PLATFORM_ID, "Intel's"},
    {MSR_FEATURE_CONTROL, MSR_TSC_ADJUST, "Intel's, the TSC's offset"},
    {MSR_SPEC_CTRL, MSR_PRED_CMD, "speculation control"},
    {0xe7, 0xe8, "APERF, MPERF"},
    {MSR_ARCH_CAPABILITIES, MSR_FLUSH_CMD, "capabilities, flush command"},
    {MSR_MCG_STATUS, 0x17b, "machine check"},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, "Intel's"},
    {MSR_MTRR_PHYSBASE0, 0x24f, "variable MTRRs: none"},
    {0x400, 0x47f, "machine check banks"},
    {0x6a0, 0x6a8, "CET"},
    {MSR_X2APIC_LVT_CMCI, MSR_X2APIC_LVT_CMCI, "x2APIC, no CMCI"},
    {0x840, 0x8ff, "x2APIC, AMD's extension"},
    {MSR_XSS, MSR_XSS, "XSS"},
    {0xc0000085, 0xc00000ff, "behind FMASK"},
    {0xc0000104, 0xc0001fff, "TSC ratio, counters, machine check banks"},
    {0xc0010000, 0xc001000f, "the oldest counters"},
    {0xc0010011, 0xc0010014, "behind SYSCFG"},
    {0xc0010016, 0xc0010019, "I/O ranges"},
    {0xc001001e, 0xc001001e, "before NB_CFG"},
    {0xc0010020, 0xc0010073, "microcode load, SMM traps, P-states"},
    {0xc0010111, 0xc0010113, "SMM's memory"},
    {0xc0010114, 0xc0010118, "SVM"},
    {0xc001011f, 0xc001011f, "speculation control"},
    {0xc0010130, 0xc0010133, "memory encryption"},
    {0xc0010140, 0xc0010141, "OSVW"},
    {0xc0010200, 0xc0010247, "counters"},
    {0xc0010290, 0xc00102f1, "power, CPPC, serial number"},
    {0xc0011000, 0xc0011028, "CPUID overrides, node, LS_CFG, breakpoint masks, FP_CFG"},
    {0xc001102a, 0xc001103d, "BU_CFG2, IBS"},
    {0xc00110e3, 0xc00110e3, "a Zen 2 erratum's"},
};

/* abuse: MS-04 */
static void test_forbidden_is_refused(void **state)
{
    (void)state;
    struct fixture f = fixture();
    for (uint32_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        for (uint32_t index = forbidden[i].first; index <= forbidden[i].last; index++) {
            uint64_t value = 0;
            if (vmsr_row(&msr_amd, index) != NULL || read_msr(&f, index, &value) ||
                write_msr(&f, index, 0) || write_msr(&f, index, UINT64_MAX))
                fail_msg("MSR 0x%x has an answer: %s", index, forbidden[i].what);
        }
    }
}

static void test_constants(void **state)
{
    (void)state;
    static const struct {
        uint32_t index;
        uint64_t value;
        bool takes_write;
    } rows[] = {
        {MSR_UCODE_REV, 1, true},
        {MSR_MTRR_CAP, 0x500, false},
        {MSR_MCG_CAP, 0, false},
        {MSR_DEBUGCTL, 0, true},
        {MSR_X2APIC_VERSION, 0x50014, false},
        {MSR_SYSCFG, 0, true},
        {MSR_HWCR, 0x1000000, true},
        {MSR_TOP_MEM, 0, false},
        {MSR_TOP_MEM2, 0, false},
        {MSR_NB_CFG, 0x400000000000, true},
        {MSR_DE_CFG, 2, true},
    };
    struct fixture f = fixture();
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 0xbad;
        assert_true(read_msr(&f, rows[i].index, &value));
        assert_int_equal(value, rows[i].value);
        assert_int_equal(write_msr(&f, rows[i].index, 0), rows[i].takes_write);
        assert_int_equal(f.action.kind, VAPIC_NOTHING);
        assert_true(read_msr(&f, rows[i].index, &value));
        assert_int_equal(value, rows[i].value);
    }
}

/* EFER is the backend's to answer: should it come here, nothing is made up. */
static void test_efer_is_not_answered(void **state)
{
    (void)state;
    struct fixture f = fixture();
    uint64_t value = 0;
    assert_false(read_msr(&f, MSR_EFER, &value));
    assert_false(write_msr(&f, MSR_EFER, 0x500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vendors),
        cmocka_unit_test(test_table_is_sorted_and_disjoint),
        cmocka_unit_test(test_rows_of_both_vendors),
        cmocka_unit_test(test_forbidden_is_refused),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_efer_is_not_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
