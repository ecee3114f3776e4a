/* SPDX-License-Identifier: MIT */
/*
 * test_vmsr: the MSR table is well-formed and closed by default, and each row answers as it says.
 */
#include "vdev/vmsr.h"

#include "lib/x86/msr.h"
#include "support.h"
#include "vdev/vendor.h"
#include "vmx/bits.h"

#define ROUNDS 200000

struct fixture {
    struct vmsr msr;
    struct vapic apic;
    struct vapic_peers peers;
    struct vapic_action action;
};

static struct fixture fixture(bool is_bsp)
{
    struct fixture f = {.peers = {.count = 2, .self = 0, .apic_ids = {4, 6}}};
    vmsr_reset(&f.msr, &msr_intel, is_bsp);
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

static const struct msr_row *row_slowly(uint32_t index)
{
    for (uint32_t i = 0; i < msr_intel.count; i++) {
        if (index >= msr_intel.rows[i].first && index <= msr_intel.rows[i].last)
            return &msr_intel.rows[i];
    }
    return NULL;
}

/* The hardware bitmap covers two ranges of 8192: a DIRECT row elsewhere could not be kept. */
static bool in_bitmap(uint32_t index)
{
    return index <= 0x1fff || (index >= 0xc0000000 && index <= 0xc0001fff);
}

static void test_table_is_sorted_and_disjoint(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < msr_intel.count; i++) {
        const struct msr_row *row = &msr_intel.rows[i];
        assert_true(row->first <= row->last);
        assert_non_null(row->name);
        assert_true(in_bitmap(row->first) && in_bitmap(row->last));
        assert_int_not_equal(row->read, MSR_IGNORE);
        assert_int_not_equal(row->write, MSR_CONST);
        assert_true(row->read != MSR_REFUSE || row->write != MSR_REFUSE);
        assert_true(row->read == MSR_CONST || row->value == 0);
        if (i > 0)
            assert_true(row->first > msr_intel.rows[i - 1].last);
    }
}

/* abuse: MS-04 */
static void test_row_finds_what_a_slow_search_finds(void **state)
{
    (void)state;
    for (uint32_t index = 0; index <= 0x2100; index++) {
        assert_ptr_equal(vmsr_row(&msr_intel, index), row_slowly(index));
        assert_ptr_equal(vmsr_row(&msr_intel, 0xc0000000 + index), row_slowly(0xc0000000 + index));
    }
    for (uint32_t i = 0; i < msr_intel.count; i++) {
        assert_ptr_equal(vmsr_row(&msr_intel, msr_intel.rows[i].first), &msr_intel.rows[i]);
        assert_ptr_equal(vmsr_row(&msr_intel, msr_intel.rows[i].last), &msr_intel.rows[i]);
    }
    uint64_t seed = 1;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint32_t index = (uint32_t)random_next(&seed);
        assert_ptr_equal(vmsr_row(&msr_intel, index), row_slowly(index));
    }
    assert_null(vmsr_row(&msr_intel, UINT32_MAX));
    assert_null(vmsr_row(&msr_intel, 0xbfffffff));
    assert_null(vmsr_row(&msr_intel, 0xc0002000));
}

/* What an attacker asks for first; each range is refused whole, read and write. */
static const struct {
    uint32_t first, last;
    const char *what;
} forbidden[] = {
    {MSR_TSC_ADJUST, MSR_TSC_ADJUST, "moves the physical TSC"},
    {MSR_SPEC_CTRL, MSR_PRED_CMD, "speculation control"},
    {0x79, 0x79, "microcode load"},
    {0x8c, 0x8f, "SGX"},
    {0x9b, 0x9e, "SMM"},
    {0xc1, 0xc8, "performance counters"},
    {0xe2, 0xe2, "C-state control"},
    {MSR_ARCH_CAPABILITIES, 0x10b, "capabilities, flush command"},
    {0x122, 0x122, "TSX control"},
    {0x150, 0x150, "voltage"},
    {MSR_MCG_STATUS, 0x17b, "machine check"},
    {0x186, 0x189, "performance events"},
    {0x198, 0x19c, "clock modulation, thermal"},
    {0x1a2, 0x1b2, "power, turbo"},
    {0x1c9, 0x1c9, "last branches"},
    {0x1f2, 0x1f3, "SMRR"},
    {0x1fc, 0x1fc, "power control"},
    {MSR_MTRR_PHYSBASE0, 0x24f, "variable MTRRs: none"},
    {0x251, 0x257, "between the fixed MTRRs"},
    {0x25a, 0x267, "between the fixed MTRRs"},
    {0x270, 0x276, "behind the fixed MTRRs"},
    {0x280, 0x29f, "CMCI"},
    {0x309, 0x30c, "fixed counters"},
    {0x38d, MSR_PERF_GLOBAL_CTRL + 1, "counter control"},
    {0x3f1, 0x3f1, "PEBS"},
    {0x400, 0x47f, "machine check banks"},
    {MSR_VMX_BASIC, 0x491, "VMX capabilities"},
    {0x560, 0x58f, "processor trace"},
    {0x600, 0x600, "debug store area"},
    {0x610, 0x610, "power limit"},
    {0x680, 0x6bf, "last branches"},
    {0x6a0, 0x6a8, "CET"},
    {0x770, 0x777, "HWP"},
    {MSR_X2APIC_FIRST, 0x801, "x2APIC, reserved"},
    {0x804, 0x807, "x2APIC, reserved"},
    {0x809, 0x809, "x2APIC, reserved"},
    {0x80c, 0x80c, "x2APIC, reserved"},
    {0x80e, 0x80e, "x2APIC, no DFR"},
    {0x829, MSR_X2APIC_LVT_CMCI, "x2APIC, reserved, CMCI"},
    {0x831, 0x831, "x2APIC, no ICR high"},
    {0x83a, 0x83d, "x2APIC, reserved"},
    {0x840, 0xbff, "x2APIC, reserved"},
    {0xc80, 0xd8f, "cache allocation"},
    {MSR_XSS, MSR_XSS, "XSS"},
    {0x14ce, 0x14cf, "last branches"},
    {0x1200, 0x121f, "last branches"},
    {0xc0000085, 0xc00000ff, "behind FMASK"},
    {0xc0000104, 0xc0001fff, "behind TSC_AUX"},
};

static void test_forbidden_is_refused(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    for (uint32_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        for (uint32_t index = forbidden[i].first; index <= forbidden[i].last; index++) {
            uint64_t value = 0;
            if (vmsr_row(&msr_intel, index) != NULL || read_msr(&f, index, &value) ||
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
        {MSR_PLATFORM_ID, 0, false},
        {MSR_FEATURE_CONTROL, 1, false},
        {MSR_UCODE_REV, 0x100000000, true},
        {MSR_MTRR_CAP, 0x500, false},
        {MSR_MCG_CAP, 0, false},
        {MSR_MISC_ENABLE, 1, false}, /* but see below */
        {MSR_X2APIC_VERSION, 0x50014, false},
        {MSR_DEBUGCTL, 0, true},
    };
    struct fixture f = fixture(true);
    for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t value = 0xbad;
        assert_true(read_msr(&f, rows[i].index, &value));
        assert_int_equal(value, rows[i].value);
        assert_int_equal(write_msr(&f, rows[i].index, 0), rows[i].takes_write);
        assert_int_equal(f.action.kind, VAPIC_NOTHING);
        assert_true(read_msr(&f, rows[i].index, &value));
        assert_int_equal(value, rows[i].value);
    }
    assert_true(write_msr(&f, MSR_MISC_ENABLE, 1)); /* what it is anyway */
}

/* The hardware's own never come here; should one, nothing is made up. */
static void test_direct_is_not_answered(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    for (uint32_t i = 0; i < msr_intel.count; i++) {
        uint64_t value;
        if (msr_intel.rows[i].read == MSR_DIRECT || msr_intel.rows[i].read == MSR_REFUSE)
            assert_false(read_msr(&f, msr_intel.rows[i].first, &value));
        else
            assert_true(read_msr(&f, msr_intel.rows[i].last, &value));
        if (msr_intel.rows[i].write == MSR_DIRECT || msr_intel.rows[i].write == MSR_REFUSE)
            assert_false(write_msr(&f, msr_intel.rows[i].first, 0));
    }
    /* TSC_DEADLINE and EOI must stay exit-free, or every tick costs. */
    assert_int_equal(vmsr_row(&msr_intel, MSR_TSC_DEADLINE)->write, MSR_DIRECT);
    assert_int_equal(vmsr_row(&msr_intel, MSR_X2APIC_EOI)->write, MSR_DIRECT);
    assert_int_equal(vmsr_row(&msr_intel, MSR_X2APIC_EOI)->read, MSR_REFUSE);
    assert_int_equal(vmsr_row(&msr_intel, MSR_X2APIC_ICR)->write, MSR_EMULATE);
}

static void test_tsc_does_not_move(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    assert_int_equal(vmsr_row(&msr_intel, MSR_TSC)->read, MSR_DIRECT);
    assert_true(write_msr(&f, MSR_TSC, UINT64_MAX));
    assert_int_equal(f.action.kind, VAPIC_NOTHING);
}

static void test_apic_base(void **state)
{
    (void)state;
    for (int is_bsp = 0; is_bsp <= 1; is_bsp++) {
        struct fixture f = fixture(is_bsp);
        uint64_t expected = is_bsp ? 0xfee00d00 : 0xfee00c00, value = 0;
        assert_true(read_msr(&f, MSR_APIC_BASE, &value));
        assert_int_equal(value, expected);
        assert_true(write_msr(&f, MSR_APIC_BASE, expected));
        for (unsigned bit = 0; bit < 64; bit++)
            assert_false(write_msr(&f, MSR_APIC_BASE, expected ^ UINT64_C(1) << bit));
    }
}

static void test_debugctl_takes_only_zero(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    assert_true(write_msr(&f, MSR_DEBUGCTL, 0));
    for (unsigned bit = 0; bit < 64; bit++)
        assert_false(write_msr(&f, MSR_DEBUGCTL, UINT64_C(1) << bit));
}

static bool type_exists(uint64_t type)
{
    return type == 0 || type == 1 || type == 4 || type == 5 || type == 6;
}

static void test_mtrr_default_type(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    uint64_t value = 0;
    assert_true(read_msr(&f, MSR_MTRR_DEF_TYPE, &value));
    assert_int_equal(value, 0xc06);

    for (uint64_t written = 0; written < 0x10000; written++) {
        uint64_t before = f.msr.mtrr_def_type;
        bool good = type_exists(written & 0xff) && (written & ~UINT64_C(0xcff)) == 0;
        assert_int_equal(write_msr(&f, MSR_MTRR_DEF_TYPE, written), good);
        assert_true(read_msr(&f, MSR_MTRR_DEF_TYPE, &value));
        assert_int_equal(value, good ? written : before);
    }
    for (unsigned bit = 16; bit < 64; bit++)
        assert_false(write_msr(&f, MSR_MTRR_DEF_TYPE, 0xc06 | UINT64_C(1) << bit));
}

static void test_mtrr_fixed(void **state)
{
    (void)state;
    static const uint32_t indices[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                       0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
    struct fixture f = fixture(true);
    for (uint32_t i = 0; i < ARRAY_SIZE(indices); i++) {
        uint64_t value = 0;
        assert_true(write_msr(&f, indices[i], 0x0001040506060606));
        assert_true(read_msr(&f, indices[i], &value));
        assert_int_equal(value, 0x0606060606060606);
        for (unsigned byte = 0; byte < 8; byte++) {
            for (uint64_t type = 0; type < 256; type++)
                assert_int_equal(write_msr(&f, indices[i], type << (8 * byte)), type_exists(type));
        }
    }
}

static void test_x2apic_goes_to_vapic(void **state)
{
    (void)state;
    struct fixture f = fixture(true);
    uint64_t value = 0;
    assert_true(write_msr(&f, MSR_X2APIC_SVR, 0x1ff));
    assert_int_equal(f.action.kind, VAPIC_WRITE);
    assert_int_equal(f.action.msr, MSR_X2APIC_SVR);
    assert_true(read_msr(&f, MSR_X2APIC_SVR, &value));
    assert_int_equal(value, 0x1ff);
    for (uint32_t index = MSR_X2APIC_LVT_TIMER; index <= MSR_X2APIC_LVT_ERROR; index++) {
        assert_true(write_msr(&f, index, 0x10040));
        assert_true(read_msr(&f, index, &value));
        assert_int_equal(value, 0x10040);
    }
    assert_true(write_msr(&f, MSR_X2APIC_ICR, UINT64_C(6) << 32 | 0xfd));
    assert_int_equal(f.action.kind, VAPIC_SEND);
    assert_int_equal(f.action.targets, 2);
    assert_true(read_msr(&f, MSR_X2APIC_ICR, &value));
    assert_int_equal(value, UINT64_C(6) << 32 | 0xfd);
    /* An action does not outlive its write. */
    assert_true(write_msr(&f, MSR_TSC, 0));
    assert_int_equal(f.action.kind, VAPIC_NOTHING);
}

/* abuse: MS-01, MS-02 */
static void test_random(void **state)
{
    (void)state;
    struct fixture f = fixture(false);
    uint64_t seed = 2;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t r = random_next(&seed);
        uint32_t index = (r & 1) != 0 ? (uint32_t)(r >> 32) & 0xfff : (uint32_t)(r >> 32);
        uint64_t value;
        const struct msr_row *row = vmsr_row(&msr_intel, index);
        bool read = read_msr(&f, index, &value);
        bool written = write_msr(&f, index, random_next(&seed) >> (r >> 8 & 63));
        assert_true(row != NULL || (!read && !written));
        if (!written)
            assert_int_equal(f.action.kind, VAPIC_NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_sorted_and_disjoint),
        cmocka_unit_test(test_row_finds_what_a_slow_search_finds),
        cmocka_unit_test(test_forbidden_is_refused),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_direct_is_not_answered),
        cmocka_unit_test(test_tsc_does_not_move),
        cmocka_unit_test(test_apic_base),
        cmocka_unit_test(test_debugctl_takes_only_zero),
        cmocka_unit_test(test_mtrr_default_type),
        cmocka_unit_test(test_mtrr_fixed),
        cmocka_unit_test(test_x2apic_goes_to_vapic),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
