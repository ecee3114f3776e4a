/* SPDX-License-Identifier: MIT */
/*
 * test_bitmaps: a bit is clear for exactly the MSRs and the directions that a row opens, and no
 * port's is. The bits are looked up here by the manual's words, not by bitmaps.c.
 */
#include "vmx/vmx.h"

#include "support.h"

#define LOW_LAST   UINT32_C(0x1fff)
#define HIGH_FIRST UINT32_C(0xc0000000)
#define HIGH_LAST  UINT32_C(0xc0001fff)

static struct vmx_shared shared;

/* "MSR-Bitmap Address": four areas of 1 KiB, a bit for each MSR. */
static bool exits(uint32_t msr, bool write)
{
    const uint8_t *bytes = (const uint8_t *)&shared.msr;
    const bool high = msr >= HIGH_FIRST;
    const uint32_t bit = msr - (high ? HIGH_FIRST : 0);

    return bytes[(write ? 2048u : 0) + (high ? 1024u : 0) + bit / 8] >> bit % 8 & 1;
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
    memset(&shared, 0x55, sizeof(shared));
    vmx_bitmaps_build(&shared, &(struct msr_policy){rows, count});
    for (uint32_t i = 0; i <= LOW_LAST; i++) {
        for (int write = 0; write < 2; write++) {
            assert_int_equal(exits(i, write), !is_open(rows, count, i, write));
            assert_int_equal(exits(HIGH_FIRST + i, write),
                             !is_open(rows, count, HIGH_FIRST + i, write));
        }
    }
    for (size_t i = 0; i < sizeof(shared.io); i++)
        assert_int_equal(((const uint8_t *)shared.io)[i], 0xff);
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
        {7, 8, MSR_REFUSE, MSR_DIRECT, 0, "across two bytes"},
        {0x10, 0x10, MSR_CONST, MSR_IGNORE, 1, "a constant"},
        {0x277, 0x277, MSR_EMULATE, MSR_EMULATE, 0, "emulated"},
        {LOW_LAST, LOW_LAST, MSR_DIRECT, MSR_DIRECT, 0, "the last of the low"},
        {HIGH_FIRST, HIGH_FIRST, MSR_REFUSE, MSR_DIRECT, 0, "the first of the high"},
        {HIGH_LAST, HIGH_LAST, MSR_DIRECT, MSR_REFUSE, 0, "the last of the high"},
    };
    check(rows, ARRAY_SIZE(rows));
}

/* A row outside of both ranges is never in the bitmap: those MSRs always exit. */
static void rows_outside_always_exit(void **state)
{
    (void)state;
    static const struct msr_row rows[] = {
        {LOW_LAST + 1, LOW_LAST + 1, MSR_EMULATE, MSR_IGNORE, 0, "behind the low"},
        {0x40000000, 0x400000ff, MSR_EMULATE, MSR_EMULATE, 0, "another hypervisor's"},
        {HIGH_LAST + 1, HIGH_LAST + 1, MSR_CONST, MSR_REFUSE, 0, "behind the high"},
    };
    check(rows, ARRAY_SIZE(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_open_without_rows),
        cmocka_unit_test(only_direct_rows_are_open),
        cmocka_unit_test(rows_outside_always_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
