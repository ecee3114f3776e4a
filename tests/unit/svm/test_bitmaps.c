/* SPDX-License-Identifier: MIT */
/*
 * test_bitmaps: a bit is clear for exactly the MSRs and the directions that a row opens, and no
 * port's is. The bits are looked up here by the manual's words, not by bitmaps.c.
 */
#include "svm/bitmaps.h"

#include "support.h"

#define RANGE_LAST UINT32_C(0x1fff)
#define C000       UINT32_C(0xc0000000)
#define C001       UINT32_C(0xc0010000)
#define EFER       UINT32_C(0xc0000080)
#define VM_CR      UINT32_C(0xc0010114)
#define HSAVE_PA   UINT32_C(0xc0010117)

static struct svm_bitmaps bitmaps;

/* "MSR Intercepts": MSRs 0-1fff at byte 000, c0000000-c0001fff at 800, c0010000-c0011fff at 1000;
 * the lower of an MSR's two bits is about RDMSR, the upper about WRMSR. */
static bool exits(uint32_t msr, bool write)
{
    const uint32_t area = msr >= C001 ? 0x1000 : msr >= C000 ? 0x800 : 0;
    const uint32_t number = msr % 0x10000;

    return bitmaps.msr[area + number / 4] & 1u << (number % 4 * 2 + (write ? 1 : 0));
}

static bool is_open(const struct msr_row *rows, uint32_t count, uint32_t msr, bool write)
{
    for (uint32_t i = 0; i < count; i++) {
        if (msr >= rows[i].first && msr <= rows[i].last)
            return (write ? rows[i].write : rows[i].read) == MSR_DIRECT;
    }
    return false;
}

static void check(const struct msr_row *rows, uint32_t count)
{
    static const uint32_t first[] = {0, C000, C001};

    memset(&bitmaps, 0x55, sizeof(bitmaps));
    svm_bitmaps_build(&bitmaps, &(struct msr_policy){rows, count});
    for (size_t range = 0; range < ARRAY_SIZE(first); range++) {
        for (uint32_t i = 0; i <= RANGE_LAST; i++) {
            const uint32_t msr = first[range] + i;
            for (int write = 0; write < 2; write++)
                assert_int_equal(exits(msr, write), !is_open(rows, count, msr, write));
        }
    }
    for (size_t i = 0x1800; i < sizeof(bitmaps.msr); i++)
        assert_int_equal(bitmaps.msr[i], 0xff);
    for (size_t i = 0; i < sizeof(bitmaps.io); i++)
        assert_int_equal(bitmaps.io[i], 0xff);
}

static void nothing_is_open_without_rows(void **state)
{
    (void)state;
    check(NULL, 0);
}

static void only_direct_rows_are_open(void **state)
{
    (void)state;
    static const struct msr_row rows[] = {
        {0, 0, MSR_DIRECT, MSR_REFUSE, 0, "the first of all"},
        {3, 4, MSR_REFUSE, MSR_DIRECT, 0, "across two bytes"},
        {0x10, 0x10, MSR_CONST, MSR_IGNORE, 1, "a constant"},
        {0x277, 0x277, MSR_EMULATE, MSR_EMULATE, 0, "emulated"},
        {RANGE_LAST, RANGE_LAST, MSR_DIRECT, MSR_DIRECT, 0, "the last of the low"},
        {C000, C000, MSR_REFUSE, MSR_DIRECT, 0, "the first of the second range"},
        {EFER - 1, EFER - 1, MSR_DIRECT, MSR_DIRECT, 0, "before EFER"},
        {EFER, EFER, MSR_EMULATE, MSR_EMULATE, 0, "EFER"},
        {EFER + 1, EFER + 1, MSR_DIRECT, MSR_DIRECT, 0, "behind it"},
        {C000 + RANGE_LAST, C000 + RANGE_LAST, MSR_DIRECT, MSR_REFUSE, 0, "the last of it"},
        {C001, C001, MSR_DIRECT, MSR_REFUSE, 0, "the first of the third range"},
        {C001 + RANGE_LAST, C001 + RANGE_LAST, MSR_REFUSE, MSR_DIRECT, 0, "the last of all"},
    };
    check(rows, ARRAY_SIZE(rows));
}

/* A row outside of all ranges is never in the bitmap: those MSRs always exit. */
static void rows_outside_always_exit(void **state)
{
    (void)state;
    static const struct msr_row rows[] = {
        {RANGE_LAST + 1, RANGE_LAST + 1, MSR_EMULATE, MSR_IGNORE, 0, "behind the low"},
        {0x40000000, 0x400000ff, MSR_EMULATE, MSR_EMULATE, 0, "another hypervisor's"},
        {C000 + RANGE_LAST + 1, C000 + RANGE_LAST + 1, MSR_CONST, MSR_REFUSE, 0, "between"},
        {C001 + RANGE_LAST + 1, C001 + RANGE_LAST + 1, MSR_CONST, MSR_REFUSE, 0, "behind all"},
    };
    check(rows, ARRAY_SIZE(rows));
}

static void refuse(uint32_t msr, enum msr_access read, enum msr_access write)
{
    const struct msr_row row = {msr, msr, read, write, 0, "too far"};

    expect_assert_failure(svm_bitmaps_build(&bitmaps, &(struct msr_policy){&row, 1}));
}

/* What no guest may reach, and what the hardware has no bit for. */
static void some_are_never_direct(void **state)
{
    static const uint32_t never[] = {EFER,     VM_CR,
                                     HSAVE_PA, RANGE_LAST + 1,
                                     C000 - 1, C000 + RANGE_LAST + 1,
                                     C001 - 1, C001 + RANGE_LAST + 1};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
        refuse(never[i], MSR_DIRECT, MSR_REFUSE);
        refuse(never[i], MSR_REFUSE, MSR_DIRECT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_open_without_rows),
        cmocka_unit_test(only_direct_rows_are_open),
        cmocka_unit_test(rows_outside_always_exit),
        cmocka_unit_test(some_are_never_direct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
